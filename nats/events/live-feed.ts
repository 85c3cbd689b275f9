import { createNotifier } from '@pixelflow/core/notifier'
import type { Broker } from '../connection/broker.ts'
import { parseStoredMessage, type StoredMessage } from '../jetstream/stored-message.ts'

/** Why a live feed has no next message: it must be looked for in the log. */
export type FeedState = 'gap' | 'quiet' | 'broken'

export interface LiveFeed extends Disposable {
  /** The message of sequence `after` + 1, waited for as long as `quietMs`; older ones are passed over. */
  next(after: number, quietMs: number): Promise<StoredMessage | FeedState>
  /** Whether the connection has broken and nobody has been told so yet. */
  readonly isBroken: boolean
  /** Forgets what has arrived and was not taken. */
  clear(): void
}

const longest = 1024

/**
 * Messages that the broker repeats right after storing them. At most 1024 wait here: a slower reader finds a gap, and
 * the rest in the log.
 */
export function openLiveFeed(broker: Broker, subject: string, signal: AbortSignal): LiveFeed {
  let arrived: StoredMessage[] = []
  let isBroken = false
  let isOverfull = false
  const changed = createNotifier()
  const subscription = broker.nc.subscribe(subject, {
    callback: (error, msg) => {
      if (error || arrived.length >= longest) isOverfull = true
      else arrived.push(parseStoredMessage(msg))
      changed.notify()
    },
  })
  const breaks = () => {
    isBroken = true
    changed.notify()
  }
  const stops = [broker.onDisconnect(breaks), broker.onReconnect(breaks)]

  /** The outcome as things stand; undefined when there is nothing to tell yet. */
  const look = (after: number): StoredMessage | FeedState | undefined => {
    const stale = arrived.findIndex(({ seq }) => seq > after)
    arrived.splice(0, stale === -1 ? arrived.length : stale)
    if (isBroken) {
      isBroken = false
      return 'broken'
    }
    if (arrived[0] === undefined) {
      const isGap = isOverfull
      isOverfull = false
      return isGap ? 'gap' : undefined
    }
    return arrived[0].seq === after + 1 ? arrived.shift() : 'gap'
  }

  return {
    async next(after, quietMs) {
      const now = look(after)
      if (now !== undefined) return now
      await changed.wait({ signal, timeoutMs: quietMs })
      return look(after) ?? 'quiet'
    },
    get isBroken() {
      return isBroken
    },
    clear() {
      arrived = []
    },
    [Symbol.dispose]() {
      for (const stop of stops) stop()
      subscription.unsubscribe()
    },
  }
}
