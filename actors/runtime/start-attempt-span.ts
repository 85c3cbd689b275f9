import type { StoredEvent } from '@pixelflow/core/event'
import type { Lease } from '@pixelflow/core/ports/queue'
import { attributeNames } from '@pixelflow/platform/telemetry/tracing/attribute-names'
import { noSpan, type Span } from '@pixelflow/platform/telemetry/tracing/span'
import { parseTraceparent } from '@pixelflow/platform/telemetry/tracing/trace-context'
import { isTracing, recordSpan, startSpan } from '@pixelflow/platform/telemetry/tracing/tracing'

export interface AttemptSpanOptions {
  /** When the job was leased, in milliseconds since 1970. */
  readonly leasedMs: number
  /** Number of the attempt, from 1. */
  readonly attempt: number
}

/**
 * Starts the span of an attempt in the trace of its task, and records how long the job waited in the queue. A later attempt
 * links to the one that wrote the last event.
 *
 * A job that was leased before and not scheduled again belonged to an attempt whose process was lost, and which so has no span.
 * Its wait begins with the last event of that attempt and says in its name that it contains it.
 */
export function startAttemptSpan(
  { job, ageMs, attempt: deliveries }: Lease,
  { traceparent, storedAt, event: { task } }: StoredEvent,
  { leasedMs, attempt }: AttemptSpanOptions,
): Span {
  if (!isTracing()) return noSpan
  const options = {
    kind: 'consumer',
    parent: parseTraceparent(task.traceparent),
    attributes: { [attributeNames.task]: task.id, [attributeNames.attempt]: attempt },
  } as const
  // The clocks of the broker and of this machine differ.
  const queuedMs = Math.min(leasedMs - ageMs, leasedMs)
  const lastEventMs = task.attempt > 0 ? Math.min(storedAt.getTime(), leasedMs) : queuedMs
  const isLost = deliveries > 1 && (task.attempt === 0 || lastEventMs > queuedMs)
  const name = isLost ? 'lost attempt and queue wait' : 'queue wait'
  recordSpan(name, { ...options, startMs: Math.max(queuedMs, lastEventMs), endMs: leasedMs })
  const span = startSpan(`attempt ${job.kind}`, { ...options, startMs: leasedMs })
  if (task.attempt > 0) span.link(parseTraceparent(traceparent))
  return span
}
