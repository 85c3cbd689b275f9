import { pause } from '@pixelflow/core/pause'

/** Calls that wait for room at an actor: each account's in the order in which they came, the accounts beside each other. */
export interface SessionLine {
  isEmptyFor(account: string): boolean
  join(account: string): LinePlace
  /** There may be room again. */
  wake(): void
}

export interface LinePlace {
  /** Whether no call of the same account waits before this one. */
  readonly isFirst: boolean
  /**
   * Waits `firstMs` as the first of its account, else `otherMs`; or until there may be room, or the signal aborts. All
   * times in milliseconds.
   */
  wait(firstMs: number, otherMs: number, signal: AbortSignal): Promise<void>
  leave(): void
}

interface Place {
  isWoken: boolean
  wake: () => void
}

export function createSessionLine(): SessionLine {
  const places = new Map<string, Place[]>()
  const wakeFirst = (account: string) => {
    const first = places.get(account)?.[0]
    if (first === undefined) return
    first.isWoken = true
    first.wake()
  }
  return {
    isEmptyFor: (account) => !places.has(account),
    wake() {
      for (const account of places.keys()) wakeFirst(account)
    },
    join(account) {
      const own: Place = { isWoken: false, wake: () => {} }
      const line = places.get(account) ?? []
      line.push(own)
      places.set(account, line)
      const isFirst = () => line[0] === own
      return {
        get isFirst() {
          return isFirst()
        },
        async wait(firstMs, otherMs, signal) {
          const woken = new AbortController()
          own.wake = () => woken.abort()
          // It may have come while nothing waited.
          if (!own.isWoken)
            await pause(isFirst() ? firstMs : otherMs, AbortSignal.any([woken.signal, signal]))
          own.isWoken = false
        },
        leave() {
          const wasFirst = isFirst()
          line.splice(line.indexOf(own), 1)
          if (line.length === 0) places.delete(account)
          else if (wasFirst) wakeFirst(account)
        },
      }
    },
  }
}
