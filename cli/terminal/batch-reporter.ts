import type { EventView } from '@pixelflow/core/views'
import { formatBytes } from '@pixelflow/core/format-bytes'
import { formatDuration } from '@pixelflow/core/format-duration'
import { renderProgressBar } from './live-line.ts'
import { startStopwatch, type Stopwatch } from './stopwatch.ts'
import { blockRows, createLiveBlock } from './live-block.ts'
import { doing, nameOf, type Reporter } from './reporter.ts'
import { styleOf, type Style } from './style.ts'
import { printNote } from './print-note.ts'

/** Reports the progress of several files: bars on a terminal, lines in a pipe, or NDJSON. */
export interface BatchReporter {
  readonly clock: Stopwatch
  readonly note: (text: string) => void
  /** Begins the report of a file; its `result` ends it. */
  begin(name: string): Reporter
  /** Reports a file that failed. */
  failed(name: string, value: unknown, text: string): void
  /** Reports the end of all files: a line of text, or a JSON value. */
  summary(value: unknown, text: string): void
  close(): void
}

interface Options {
  readonly json: boolean
  readonly useColor: boolean
  /** Total number of files. */
  readonly count: number
}

export function createBatchReporter(options: Options): BatchReporter {
  if (options.json) return jsonBatchReporter()
  return process.stderr.isTTY ? terminalBatchReporter(options) : plainBatchReporter(options)
}

function jsonBatchReporter(): BatchReporter {
  const clock = startStopwatch()
  const line = (value: unknown) => void process.stdout.write(`${JSON.stringify(value)}\n`)
  return {
    clock,
    note: printNote,
    begin: (file) => ({
      clock,
      note: printNote,
      sent() {},
      step: line,
      event: (view) => line({ file, ...view }),
      result: (value) => line({ file, ...(value as object) }),
      close() {},
    }),
    failed: (file, value) => line({ file, ...(value as object) }),
    summary: line,
    close() {},
  }
}

function plainBatchReporter({ useColor }: Options): BatchReporter {
  const clock = startStopwatch()
  const style = styleOf(process.stderr, useColor)
  const say = (text: string) => void process.stderr.write(`${text}\n`)
  return {
    clock,
    note: (text) => say(`pixelflow: ${text}`),
    begin: (file) => ({
      clock,
      note: (text) => say(`pixelflow: ${file}: ${text}`),
      sent() {},
      step: (_, text) => say(text),
      event: (view) =>
        say(`${percentOf(view)} %  ${file}  ${nameOf(view)}  ${formatDuration(clock.elapsedMs)}`),
      result(_, lines) {
        for (const line of lines) process.stdout.write(`${line}\n`)
      },
      close() {},
    }),
    failed: (file, _, text) => say(`${style.red('✗')} ${file}  ${text}`),
    summary: (_, text) => void process.stdout.write(`${text}\n`),
    close() {},
  }
}

const barWidth = 20

/** A file in progress. */
interface Row {
  readonly name: string
  percent: number
  text: string
}

function terminalBatchReporter({ useColor, count }: Options): BatchReporter {
  const clock = startStopwatch()
  const style = styleOf(process.stderr, useColor)
  const block = createLiveBlock(process.stderr)
  const active = new Set<Row>()
  const ended = { completed: 0, failed: 0 }
  const draw = () => {
    const rows = [...active].slice(0, blockRows(process.stderr) - 1)
    block.show([...rows.map((row) => rowLine(row, style)), totalLine()])
  }
  const totalLine = () => {
    const endedFiles = ended.completed + ended.failed
    const percent = ([...active].reduce((sum, row) => sum + row.percent, 0) + endedFiles * 100) / count
    const failed = ended.failed === 0 ? '' : style.red(`, ${ended.failed} failed`)
    const since = style.dim(formatDuration(clock.elapsedMs))
    return `${renderProgressBar(percent, barWidth, style)} ${percentText(percent)}  ${endedFiles} of ${count} files${failed}  ${since}`
  }
  // Updates the elapsed time.
  const ticking = setInterval(draw, 100)
  const print = (text: string) => block.print(text)
  return {
    clock,
    note: (text) => print(style.dim(text)),
    begin(name) {
      const row: Row = { name, percent: 0, text: 'sending' }
      active.add(row)
      return {
        clock,
        note: (text) => print(style.dim(`${name}: ${text}`)),
        sent: (_, bytes) => void (row.text = `sending, ${formatBytes(bytes)}`),
        step: (_, text) => print(text),
        event(view) {
          row.percent = view.task.progress
          row.text = doing[view.kind]
        },
        result(_, lines) {
          active.delete(row)
          ended.completed += 1
          for (const line of lines) print(line)
        },
        close: () => void active.delete(row),
      }
    },
    failed(name, _, text) {
      ended.failed += 1
      print(`${style.red('✗')} ${style.bold(name)}  ${text}`)
    },
    summary(_, text) {
      clearInterval(ticking)
      block.clear()
      process.stdout.write(`${text}\n`)
    },
    close() {
      clearInterval(ticking)
      block.clear()
    },
  }
}

function rowLine({ name, percent, text }: Row, style: Style): string {
  return `${renderProgressBar(percent, barWidth, style)} ${percentText(percent)}  ${name}  ${style.dim(text)}`
}

function percentText(percent: number): string {
  return `${Math.round(percent)} %`.padStart(5)
}

function percentOf({ task }: EventView): string {
  return String(Math.round(task.progress)).padStart(3)
}
