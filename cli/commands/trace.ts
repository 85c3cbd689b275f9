import type { Command } from 'commander'
import type { Context } from '../context.ts'
import { hasEnded } from '@pixelflow/core/status'
import { styleOf } from '../terminal/style.ts'
import { terminalWidth } from '../terminal/table.ts'
import { findTraceStatus, type TraceStatus } from '../trace/find-trace-status.ts'
import { findTrace } from '../trace/find-trace.ts'
import { formatWaterfall } from '../trace/format-waterfall.ts'
import { createWaterfall, type Waterfall } from '../trace/waterfall.ts'
import { addExamples } from './add-examples.ts'
import { addServerFlags, createReporterFor, parseId, type ServerFlags } from './server-flags.ts'

export function addTraceCommand(program: Command, context: Context): void {
  const command = program
    .command('trace')
    .summary('show where the time of a task went')
    .description(
      'Prints the waterfall of a task: what the gateway, the actors and the workers did for it, when, and for how long. ' +
        './pixelflow up on a loopback address records recent tasks in its data folder.',
    )
    .argument('<task>', 'id of the task', parseId('task'))
  addExamples(addServerFlags(command), [
    'trace 01936f2e-7c5e-7abc-9def-0123456789ab',
    'trace 01936f2e-7c5e-7abc-9def-0123456789ab --json',
  ]).action(async (task: string, options: ServerFlags) => {
    const { traceId, spans, linked } = await findTrace(task, context, options)
    const traceStatus = await findTraceStatus(task, spans, context, options)
    const waterfall = createWaterfall(spans)
    const style = styleOf(process.stdout, context.config.useColor)
    const width = terminalWidth(process.stdout)
    createReporterFor(context, options).result(viewOf(task, traceId, traceStatus, waterfall), [
      `${style.bold(task)}  ${waterfall.durationMs.toFixed(1)} ms  ${style.dim(`trace ${traceId}`)}`,
      ...describeStatus(traceStatus).map(style.yellow),
      '',
      ...formatWaterfall(waterfall, { width, style, linked }),
    ])
  })
}

/** A line about a task whose end is not recorded. */
function describeStatus({ status, isEndRecorded }: TraceStatus): string[] {
  if (isEndRecorded) return []
  if (status === undefined)
    return ['The end of the task is not recorded, and the server does not tell its status.']
  return hasEnded(status)
    ? [`The task is ${status}, but its end is not recorded here yet. Run the command again in a second.`]
    : [`The task is still ${status}: work in progress has no line. Run the command again when it has ended.`]
}

/** The JSON output. Times are in milliseconds; `startMs` counts from `startedAt`. */
function viewOf(
  task: string,
  traceId: string,
  { status, isEndRecorded }: TraceStatus,
  { rows, startedAtMs, durationMs }: Waterfall,
) {
  return {
    task,
    /** Null when the end of the task is not recorded, and the server does not tell its status. */
    status: status ?? null,
    /** Whether the trace includes the end of the task. */
    complete: isEndRecorded,
    traceId,
    startedAt: new Date(startedAtMs).toISOString(),
    durationMs: round(durationMs),
    spans: rows.map(({ span, startMs, durationMs: spanMs }) => ({
      spanId: span.context.spanId,
      parentSpanId: span.parentSpanId ?? null,
      process: `${span.service} ${span.pid}`,
      name: span.name,
      kind: span.kind,
      startMs: round(startMs),
      durationMs: round(spanMs),
      attributes: span.attributes,
      links: span.links.map(({ spanId, traceId: linked }) => ({ spanId, traceId: linked })),
      ...(span.error === undefined ? {} : { error: span.error }),
    })),
  }
}

function round(valueMs: number): number {
  return Math.round(valueMs * 1000) / 1000
}
