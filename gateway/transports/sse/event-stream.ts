import type { StoredEvent } from '@pixelflow/core/event'
import { createNotifier } from '@pixelflow/core/notifier'
import { encodeEvent, heartbeat, openingBytes } from './encode-event.ts'

interface StreamOptions {
  /** Events that are available at once come together. */
  readonly events: AsyncGenerator<readonly StoredEvent[], void>
  readonly heartbeatMs: number
  /** Ends `events`; called when the client disconnects or the stream fails. */
  readonly stopEvents: () => void
  readonly onFailure: (error: unknown) => void
  /** Called when the stream has ended for any reason. */
  readonly onEnd: () => void
}

/**
 * A stream of server-sent events with backpressure: takes events only when the client can receive it. An error can only
 * end the stream; the client reconnects with the id of the last event it received.
 */
export function createEventStream({
  events,
  heartbeatMs,
  stopEvents,
  onFailure,
  onEnd,
}: StreamOptions): ReadableStream<Uint8Array> {
  // The same promise is awaited again after a heartbeat.
  let next: Promise<IteratorResult<readonly StoredEvent[], void>> | undefined
  let isSettled = false
  let isCancelled = false
  const changed = createNotifier()
  const requestNext = () => {
    isSettled = false
    next = events.next()
    // One pair of callbacks for each event. Promise.race with a timer would add callbacks with each heartbeat.
    const settle = () => {
      isSettled = true
      changed.notify()
    }
    next.then(settle, settle)
    return next
  }

  return new ReadableStream<Uint8Array>(
    {
      start(controller) {
        controller.enqueue(openingBytes)
      },
      async pull(controller) {
        const pending = next ?? requestNext()
        if (!isSettled) await changed.wait({ timeoutMs: heartbeatMs })
        // A cancelled stream can neither enqueue nor close.
        if (isCancelled) return
        if (!isSettled) return controller.enqueue(heartbeat)
        try {
          const result = await pending
          next = undefined
          if (isCancelled) return
          if (!result.done) return controller.enqueue(encodeEvents(result.value))
        } catch (error) {
          stopEvents()
          if (isCancelled) return
          onFailure(error)
        }
        onEnd()
        controller.close()
      },
      async cancel() {
        isCancelled = true
        changed.notify()
        stopEvents()
        onEnd()
        // The pending event settles now. Its result has no receiver.
        await Promise.allSettled([next, events.return()])
      },
    },
    { highWaterMark: 0 },
  )
}

function encodeEvents(events: readonly StoredEvent[]): Uint8Array {
  const [first] = events
  return events.length === 1 && first ? encodeEvent(first) : Buffer.concat(events.map(encodeEvent))
}
