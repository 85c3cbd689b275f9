import type { StoredEvent } from '@pixelflow/core/event'
import { attributeNames } from '@pixelflow/platform/telemetry/tracing/attribute-names'
import { nowMs } from '@pixelflow/platform/telemetry/tracing/now-ms'
import { parseTraceparent } from '@pixelflow/platform/telemetry/tracing/trace-context'
import {
  currentSpan,
  isTracing,
  outermostSpan,
  recordSpan,
} from '@pixelflow/platform/telemetry/tracing/tracing'

/**
 * Links the call that watches a task to the trace of the task, which another gateway may have accepted. The returned
 * function records how long events took from their storage in the log to the watcher. Events of before the watch are part
 * of the watcher's own trace.
 */
export function startRecordingDeliveries(last: StoredEvent): (events: readonly StoredEvent[]) => void {
  if (!isTracing()) return () => {}
  const startedMs = nowMs()
  const watcher = currentSpan()
  const ofTask = parseTraceparent(last.event.task.traceparent)
  outermostSpan().link(ofTask)
  return (events) => {
    const [first] = events
    if (first === undefined) return
    const storedMs = first.storedAt.getTime()
    const isLive = storedMs >= startedMs
    recordSpan('deliver events', {
      kind: 'producer',
      parent: isLive ? ofTask : watcher,
      startMs: isLive ? storedMs : startedMs,
      endMs: nowMs(),
      attributes: { [attributeNames.events]: events.map(({ event }) => event.kind).join(' ') },
      links: isLive && watcher !== undefined ? [watcher] : [],
    })
  }
}
