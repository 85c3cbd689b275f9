import type { TraceContext } from '@pixelflow/platform/telemetry/tracing/trace-context'
import type { Style } from '../terminal/style.ts'
import { truncate } from '../terminal/table.ts'
import type { Waterfall, WaterfallRow } from './waterfall.ts'

/** Width of lines that are not written to a terminal. */
const defaultWidth = 120
const minBarWidth = 12
const maxBarWidth = 80
/** Names are cut to this part of a narrow line. */
const nameShare = 0.45
const gap = '  '

/**
 * The lines of a waterfall: process, name, a bar on a common time axis, start and duration in milliseconds. Links, such as
 * that of a second attempt to the first, and errors follow on lines of their own. Without space for a bar of 12 columns there
 * are no bars.
 */
export function formatWaterfall(
  { rows, durationMs }: Waterfall,
  { width = defaultWidth, style }: { readonly width: number | undefined; readonly style: Style },
): string[] {
  const processes = rows.map(({ span }) => `${span.service} ${span.pid}`)
  const names = rows.map(({ span, depth }) => `${'  '.repeat(depth)}${span.name}`)
  const starts = rows.map(({ startMs }) => formatMs(startMs))
  const durations = rows.map(({ durationMs: spanMs }) => formatMs(spanMs))
  const processWidth = widest(['process', ...processes])
  const nameWidth = Math.min(widest(['span', ...names]), Math.max(16, Math.floor(width * nameShare)))
  const startWidth = widest(['start', ...starts])
  const durationWidth = widest(['ms', ...durations])
  const fixed = processWidth + nameWidth + startWidth + durationWidth + 3 * gap.length
  const free = Math.min(width - fixed - gap.length, maxBarWidth)
  const barWidth = free < minBarWidth ? 0 : free
  const line = (process: string, name: string, bar: string, start: string, duration: string) =>
    [
      process.padEnd(processWidth),
      truncate(name, nameWidth).padEnd(nameWidth),
      ...(barWidth === 0 ? [] : [bar.padEnd(barWidth)]),
      start.padStart(startWidth),
      duration.padStart(durationWidth),
    ].join(gap)
  const indent = ' '.repeat(processWidth + gap.length)
  return [
    style.dim(truncate(line('process', 'span', axis(durationMs, barWidth), 'start', 'ms'), width)),
    ...rows.flatMap((row, at) => {
      const text = line(
        processes[at] ?? '',
        names[at] ?? '',
        drawBar(row, durationMs, barWidth),
        starts[at] ?? '',
        durations[at] ?? '',
      )
      const paint = row.span.error === undefined ? paintOf(row, style) : style.red
      const notes = notesOf(row, rows).map((note) =>
        style.dim(truncate(`${indent}${'  '.repeat(row.depth + 1)}${note}`, width)),
      )
      return [paint(truncate(text, width)), ...notes]
    }),
  ]
}

/** The scale above the bars: 0 at the left, the whole duration at the right. */
function axis(durationMs: number, width: number): string {
  if (width === 0) return ''
  const end = `${formatMs(durationMs)} ms`
  return `0${end.padStart(width - 1)}`
}

/** Work is drawn in full blocks, waiting in light ones. A short span has one column. */
function drawBar({ span, startMs, durationMs }: WaterfallRow, totalMs: number, width: number): string {
  if (width === 0) return ''
  const column = (ms: number) => (totalMs === 0 ? 0 : (ms / totalMs) * width)
  const from = Math.min(Math.floor(column(startMs)), width - 1)
  const to = Math.min(Math.max(Math.round(column(startMs + durationMs)), from + 1), width)
  return `${' '.repeat(from)}${(isWait(span.name) ? '░' : '█').repeat(to - from)}`
}

function paintOf({ span }: WaterfallRow, style: Style): (text: string) => string {
  return isWait(span.name) ? style.dim : (text) => text
}

function isWait(name: string): boolean {
  return name.endsWith(' wait')
}

function notesOf({ span }: WaterfallRow, rows: readonly WaterfallRow[]): string[] {
  const describe = ({ spanId, traceId }: TraceContext) => {
    const linked = rows.find((one) => one.span.context.spanId === spanId)
    return linked === undefined
      ? `↪ linked to span ${spanId} of trace ${traceId}`
      : `↪ linked to ${linked.span.name} at ${formatMs(linked.startMs)} ms on ${linked.span.service} ${linked.span.pid}`
  }
  return [...(span.error === undefined ? [] : [`✗ ${span.error}`]), ...span.links.map(describe)]
}

function widest(texts: readonly string[]): number {
  return Math.max(...texts.map((text) => text.length))
}

/** Milliseconds with two decimals, as short spans take less than one. */
function formatMs(valueMs: number): string {
  return valueMs.toFixed(2)
}
