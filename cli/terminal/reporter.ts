import type { EventView, TaskView } from '@pixelflow/core/views'
import type { EventKind } from '@pixelflow/core/event'
import { renderProgressBar, createLiveLine } from './live-line.ts'
import { startStopwatch, type Stopwatch } from './stopwatch.ts'
import { styleOf } from './style.ts'
import { printNote } from './print-note.ts'
import { formatBytes } from '@pixelflow/core/format-bytes'
import { formatDuration } from '@pixelflow/core/format-duration'

/** Reports the progress of a command: a bar on a terminal, lines in a pipe, NDJSON for programs. */
export interface Reporter {
  /** The stopwatch of all times in the output. */
  readonly clock: Stopwatch
  /** Writes a note, which is not part of the JSON output. */
  readonly note: (text: string) => void
  /** Reports the progress of an upload; `total` is null when unknown. */
  sent(name: string, bytes: number, total: number | null): void
  /** Reports an intermediate result: a line of text, or a JSON value. */
  step(value: unknown, text: string): void
  /** Reports an event of the task. */
  readonly event: (view: EventView) => void
  /** Reports the result: lines of text, or a JSON value. */
  result(value: unknown, lines: readonly string[]): void
  /** Removes the bar. */
  close(): void
}

export interface ReporterOptions {
  readonly json: boolean
  readonly useColor: boolean
  /** Writes a line for every event, also on a terminal. */
  readonly printsEveryEvent?: boolean
  /** Reports the result on standard error, because standard output carries the image. */
  readonly isStdoutQuiet?: boolean
}

const barWidth = 24

export function createReporter(options: ReporterOptions): Reporter {
  if (options.json) return jsonReporter()
  return process.stderr.isTTY ? terminalReporter(options) : plainReporter(options)
}

function jsonReporter(): Reporter {
  const line = (value: unknown) => process.stdout.write(`${JSON.stringify(value)}\n`)
  return {
    clock: startStopwatch(),
    note: printNote,
    sent() {},
    step: line,
    event: line,
    result: line,
    close() {},
  }
}

function plainReporter({ isStdoutQuiet = false }: ReporterOptions): Reporter {
  const clock = startStopwatch()
  const to = isStdoutQuiet ? process.stderr : process.stdout
  return {
    clock,
    note: printNote,
    sent() {},
    step: (_, text) => void process.stderr.write(`${text}\n`),
    event: (view) =>
      void process.stderr.write(
        `${String(Math.round(view.task.progress)).padStart(3)} %  ${nameOf(view)}  ${formatDuration(clock.elapsedMs)}\n`,
      ),
    result(_, lines) {
      for (const line of lines) to.write(`${line}\n`)
    },
    close() {},
  }
}

function terminalReporter({
  useColor,
  printsEveryEvent = false,
  isStdoutQuiet = false,
}: ReporterOptions): Reporter {
  const style = styleOf(process.stderr, useColor)
  const live = createLiveLine(process.stderr)
  const clock = startStopwatch()
  let task: TaskView | undefined
  let stage = ''
  const draw = () => {
    if (!task) return
    const since = style.dim(formatDuration(clock.elapsedMs))
    const percent = `${Math.round(task.progress)} %`.padStart(5)
    live.show(`${renderProgressBar(task.progress, barWidth, style)} ${percent}  ${stage}  ${since}`)
  }
  // Updates the elapsed time.
  const ticking = setInterval(draw, 100)
  return {
    clock,
    note: (text) => live.print(style.dim(text)),
    sent(name, bytes, total) {
      const of = total === null ? '' : ` of ${formatBytes(total)}`
      const percent = total === null ? 0 : (bytes / total) * 100
      live.show(
        `${renderProgressBar(percent, barWidth, style)} ${`${Math.round(percent)} %`.padStart(5)}  sending ${name}, ${formatBytes(bytes)}${of}`,
      )
    },
    step: (_, text) => live.print(`${style.green('✓')} ${text}`),
    event(view) {
      task = view.task
      stage = doing[view.kind]
      if (printsEveryEvent) {
        const at = style.dim(formatDuration(clock.elapsedMs).padStart(8))
        live.print(`${at}  ${mark(view, style)} ${nameOf(view)}`)
      }
      draw()
    },
    result(_, lines) {
      clearInterval(ticking)
      live.clear()
      const to = isStdoutQuiet ? process.stderr : process.stdout
      for (const line of lines) to.write(`${line}\n`)
    },
    close() {
      clearInterval(ticking)
      live.clear()
    },
  }
}

function mark({ kind }: EventView, style: ReturnType<typeof styleOf>): string {
  if (kind === 'failed' || kind === 'cancelled') return style.red('✗')
  return kind === 'queued' ? style.dim('•') : style.green('✓')
}

export function nameOf({ kind, output }: EventView): string {
  return kind === 'output' && output !== undefined ? `output ${output}` : kind
}

/** The activity after an event, until the next one. */
export const doing: Readonly<Record<EventKind, string>> = {
  queued: 'waiting for an actor',
  started: 'fetching',
  fetched: 'decoding',
  decoded: 'processing',
  output: 'processing',
  completed: 'completed',
  failed: 'failed',
  cancelled: 'cancelled',
  deleted: 'deleted',
}
