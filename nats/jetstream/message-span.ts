import type { Task } from '@pixelflow/core/task'
import {
  parseTraceparent,
  traceparentHeader,
  type TraceContext,
} from '@pixelflow/platform/telemetry/tracing/trace-context'
import {
  currentSpan,
  currentTraceparent,
  inSpan,
  isTracing,
} from '@pixelflow/platform/telemetry/tracing/tracing'
import type { Headers } from '../connection/wire/encode-headers.ts'

/**
 * Runs `work`, which sends a message about a task, within a span: a child of the current one, or of the span that accepted
 * the task when background work sends the message.
 */
export function inMessageSpan<T>(
  name: string,
  task: Task | undefined,
  attributes: () => Readonly<Record<string, string>>,
  work: () => T,
): T {
  if (!isTracing()) return work()
  const parent: TraceContext | undefined = currentSpan() ?? parseTraceparent(task?.traceparent)
  return inSpan(name, { kind: 'producer', parent, attributes: attributes() }, work)
}

/** Headers of messages that the current span sends; none where traces are not recorded. */
export function tracingHeaders(): Headers {
  const traceparent = currentTraceparent()
  return traceparent === undefined ? {} : { [traceparentHeader]: traceparent }
}
