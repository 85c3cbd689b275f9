import { attributeNames } from '@pixelflow/platform/telemetry/tracing/attribute-names'
import type { ProcessSpan } from '@pixelflow/platform/telemetry/tracing/ring/read-ring'
import type { TraceContext } from '@pixelflow/platform/telemetry/tracing/trace-context'
import type { Style } from '../terminal/style.ts'
import { truncate } from '../terminal/table.ts'
import { isWait, type Waterfall, type WaterfallRow } from './waterfall.ts'

/** Width of lines that are not written to a terminal. */
const defaultWidth = 120
const minBarWidth = 12
const maxBarWidth = 80
/** Names are cut to this part of a narrow line. */
const nameShare = 0.45
const gap = '  '

export interface WaterfallFormat {
  readonly width: number | undefined
  readonly style: Style
  /** Spans that are not in the waterfall, and to which those of it link. */
  readonly linked?: readonly ProcessSpan[]
}

/**
 * The lines of a waterfall: process, name, a bar on a common time axis, start and duration in milliseconds. Links, such as
 * that of a second attempt to the first, and errors follow on lines of their own. Without space for a bar of 12 columns there
 * are no bars.
 */
export function formatWaterfall(
  { rows, durationMs }: Waterfall,
  { width = defaultWidth, style, linked = [] }: WaterfallFormat,
): string[] {
  const processes = rows.map(({ span }) => `${span.service} ${span.pid}`)
  const names = rows.map(({ span, depth }) => `${'  '.repeat(depth)}${describeName(span)}`)
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
      const notes = notesOf(row, rows, linked).map((note) =>
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

/** The name, with the kinds of the events that the span is about, or the first and the last: a task has several such spans. */
function describeName({ name, attributes }: ProcessSpan): string {
  const kinds = attributes[attributeNames.events]
  if (typeof kinds !== 'string' || kinds === '') return name
  const all = kinds.split(' ')
  return `${name}: ${all.length > 2 ? `${all[0]} … ${all.at(-1)}` : all.join(', ')}`
}

function notesOf(
  { span }: WaterfallRow,
  rows: readonly WaterfallRow[],
  others: readonly ProcessSpan[],
): string[] {
  const links = span.links.map((link) => `↪ ${describeLink(link, span, rows, others)}`)
  return [...(span.error === undefined ? [] : [`✗ ${span.error}`]), ...links]
}

/** What a link leads to, in terms of what the user sees: a line of the waterfall, an attempt, another task or trace. */
function describeLink(
  { spanId, traceId }: TraceContext,
  from: ProcessSpan,
  rows: readonly WaterfallRow[],
  others: readonly ProcessSpan[],
): string {
  const row = rows.find(({ span }) => span.context.spanId === spanId)
  if (row !== undefined) {
    const { service, pid } = row.span
    return `linked to ${describeName(row.span)} at ${formatMs(row.startMs)} ms on ${service} ${pid}`
  }
  const other = others.find(({ context }) => context.spanId === spanId)
  if (other !== undefined) {
    const task = other.attributes[attributeNames.task]
    const owner = task === undefined ? `trace ${traceId}` : `task ${task}`
    return `linked to ${describeName(other)} of ${owner}`
  }
  const attempt = Number(from.attributes[attributeNames.attempt])
  if (attempt > 1 && traceId === from.context.traceId) {
    return `follows attempt ${attempt - 1}, which has no line because its process was lost`
  }
  return `linked to trace ${traceId}, which is not recorded here`
}

function widest(texts: readonly string[]): number {
  return Math.max(...texts.map((text) => text.length))
}

/** Milliseconds with two decimals, as short spans take less than one. */
function formatMs(valueMs: number): string {
  return valueMs.toFixed(2)
}
