import { createNotifier } from '@pixelflow/core/notifier'
import type { Broker } from '../connection/broker.ts'
import type { RawMessage } from '../connection/wire/raw-message.ts'
import { parseStoredMessage, type StoredMessage } from '../jetstream/stored-message.ts'

/** Why a live feed has no next message, so that it must be read from the stream. */
export type FeedState = 'gap' | 'idle' | 'disconnected'

export interface LiveFeed extends Disposable {
  /** The message with sequence `after` + 1; waits up to `idleMs` for it, and skips older ones. */
  next(after: number, idleMs: number): Promise<StoredMessage | FeedState>
  /** Whether the connection was lost and `next` has not reported it yet. */
  readonly isDisconnected: boolean
  /** Drops the buffered messages. */
  clear(): void
}

const maxBuffered = 1024

/**
 * Subscribes to the messages that the broker republishes after storing them. At most 1024 are buffered: a slower reader
 * finds a gap, and reads the rest from the stream.
 */
export function openLiveFeed(broker: Broker, subject: string, signal: AbortSignal): LiveFeed {
  let buffered: StoredMessage[] = []
  let isDisconnected = false
  let hasOverflowed = false
  const changed = createNotifier()
  const onOverflow = () => {
    hasOverflowed = true
    changed.notify()
  }
  const onMessage = (message: RawMessage) => {
    if (buffered.length >= maxBuffered) return onOverflow()
    buffered.push(parseStoredMessage(message))
    changed.notify()
  }
  const subscription = broker.wire.subscribe(subject, onMessage, onOverflow)
  const onBreak = () => {
    isDisconnected = true
    changed.notify()
  }
  const stops = [broker.onDisconnect(onBreak), broker.onReconnect(onBreak)]

  /** The next message or state; undefined when the caller has to wait. */
  const poll = (after: number): StoredMessage | FeedState | undefined => {
    const firstNew = buffered.findIndex(({ seq }) => seq > after)
    buffered.splice(0, firstNew === -1 ? buffered.length : firstNew)
    if (isDisconnected) {
      isDisconnected = false
      return 'disconnected'
    }
    if (buffered[0] === undefined) {
      const isGap = hasOverflowed
      hasOverflowed = false
      return isGap ? 'gap' : undefined
    }
    return buffered[0].seq === after + 1 ? buffered.shift() : 'gap'
  }

  return {
    async next(after, idleMs) {
      const now = poll(after)
      if (now !== undefined) return now
      await changed.wait({ signal, timeoutMs: idleMs })
      return poll(after) ?? 'idle'
    },
    get isDisconnected() {
      return isDisconnected
    },
    clear() {
      buffered = []
    },
    [Symbol.dispose]() {
      for (const stop of stops) stop()
      subscription.unsubscribe()
    },
  }
}
