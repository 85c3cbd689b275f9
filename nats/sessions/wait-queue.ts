import { createNotifier, type Notifier } from '@pixelflow/core/notifier'

/** Calls that wait for capacity: first in, first out for each account; accounts do not wait for each other. */
export interface WaitQueue {
  isEmptyFor(account: string): boolean
  join(account: string): WaitQueueEntry
  /** Capacity may be free again: wakes the first call of each account. */
  wake(): void
}

export interface WaitQueueEntry {
  /** Whether this is the first waiting call of its account. */
  readonly isFirst: boolean
  /**
   * Waits `firstMs` milliseconds as the first of its account, else `otherMs`; or until `wake`, or until the signal aborts.
   */
  wait(firstMs: number, otherMs: number, signal: AbortSignal): Promise<void>
  leave(): void
}

interface WaitingCall {
  isWoken: boolean
  readonly woken: Notifier
}

export function createWaitQueue(): WaitQueue {
  const entries = new Map<string, WaitingCall[]>()
  const wakeFirst = (account: string) => {
    const first = entries.get(account)?.[0]
    if (first === undefined) return
    first.isWoken = true
    first.woken.notify()
  }
  return {
    isEmptyFor: (account) => !entries.has(account),
    wake() {
      for (const account of entries.keys()) wakeFirst(account)
    },
    join(account) {
      const own: WaitingCall = { isWoken: false, woken: createNotifier() }
      const queue = entries.get(account) ?? []
      queue.push(own)
      entries.set(account, queue)
      const isFirst = () => queue[0] === own
      return {
        get isFirst() {
          return isFirst()
        },
        async wait(firstMs, otherMs, signal) {
          // A wake-up that came while this entry did not wait counts.
          if (!own.isWoken) await own.woken.wait({ signal, timeoutMs: isFirst() ? firstMs : otherMs })
          own.isWoken = false
        },
        leave() {
          const wasFirst = isFirst()
          queue.splice(queue.indexOf(own), 1)
          if (queue.length === 0) entries.delete(account)
          else if (wasFirst) wakeFirst(account)
        },
      }
    },
  }
}
