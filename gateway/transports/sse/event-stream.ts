import type { StoredEvent } from '@pixelflow/core/event'
import { encodeEvent, openingBytes, heartbeat } from './encode-event.ts'

export interface EventStreamOptions {
  readonly events: AsyncGenerator<StoredEvent, void>
  readonly heartbeatMs: number
  /** Makes `events` end; called when the client leaves. */
  readonly leave: () => void
  readonly onFailure: (error: unknown) => void
  /** Told when it is over, well or badly. */
  readonly onEnd: () => void
}

/**
 * Server-sent events, pulled: an event is only taken when the client has room for it. A failure in the middle can only
 * end the stream; the client comes back with the last id it saw.
 */
export function createEventStream({
  events,
  heartbeatMs,
  leave,
  onFailure,
  onEnd,
}: EventStreamOptions): ReadableStream<Uint8Array> {
  // Outlives a heartbeat: the same event is waited for again after it.
  let next: Promise<IteratorResult<StoredEvent, void>> | undefined
  let hasCome = false
  let hasLeft = false
  let wake = () => {}
  const ask = () => {
    hasCome = false
    next = events.next()
    // Once for each event: were it raced against the clock, every heartbeat would leave something with it.
    const come = () => {
      hasCome = true
      wake()
    }
    next.then(come, come)
    return next
  }
  /** Resolves when the event has come, or it is time for a sign of life. */
  const pause = () =>
    new Promise<void>((resolve) => {
      const timer = setTimeout(() => wake(), heartbeatMs)
      wake = () => {
        clearTimeout(timer)
        resolve()
      }
      if (hasCome) wake()
    })

  return new ReadableStream<Uint8Array>(
    {
      start(controller) {
        controller.enqueue(openingBytes)
      },
      async pull(controller) {
        const awaited = next ?? ask()
        await pause()
        // Nothing can be said, or ended, where nobody is left.
        if (hasLeft) return
        if (!hasCome) return controller.enqueue(heartbeat)
        try {
          const found = await awaited
          next = undefined
          if (hasLeft) return
          if (!found.done) return controller.enqueue(encodeEvent(found.value))
        } catch (error) {
          leave()
          if (hasLeft) return
          onFailure(error)
        }
        onEnd()
        controller.close()
      },
      async cancel() {
        hasLeft = true
        wake()
        leave()
        onEnd()
        // What is still waited for ends now, well or badly; nobody is left to hear it.
        await Promise.allSettled([next, events.return()])
      },
    },
    { highWaterMark: 0 },
  )
}
