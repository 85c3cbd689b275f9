import { createNotifier, type Notifier } from '@pixelflow/core/notifier'

/** Calls that wait for room at an actor: each account's in the order in which they came, the accounts beside each other. */
export interface SessionQueue {
  isEmptyFor(account: string): boolean
  join(account: string): QueueEntry
  /** There may be room again. */
  wake(): void
}

export interface QueueEntry {
  /** Whether no call of the same account waits before this one. */
  readonly isFirst: boolean
  /**
   * Waits `firstMs` as the first of its account, else `otherMs`; or until there may be room, or the signal aborts. All
   * times in milliseconds.
   */
  wait(firstMs: number, otherMs: number, signal: AbortSignal): Promise<void>
  leave(): void
}

interface Waiting {
  isWoken: boolean
  readonly woken: Notifier
}

export function createSessionQueue(): SessionQueue {
  const entries = new Map<string, Waiting[]>()
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
      const own: Waiting = { isWoken: false, woken: createNotifier() }
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
