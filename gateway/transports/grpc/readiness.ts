/** Whether this gateway can serve, asked as seldom as possible and told to all who wait for a change. */
export interface Readiness {
  now(): Promise<boolean>
  /** The state, and again whenever it has changed; ends when the signal aborts. */
  changes(signal: AbortSignal): AsyncGenerator<boolean, void>
  /** From now on this gateway cannot serve. */
  close(): void
}

const lookEveryMs = 1000

export function createReadiness(look: () => Promise<boolean>, everyMs = lookEveryMs): Readiness {
  /** Those who wait for the next look; nothing of them stays with the signals that outlive it. */
  const waiting = new Set<() => void>()
  let isClosed = false
  let asked: Promise<boolean> | undefined

  /** Everybody who asks within a moment gets one answer. */
  const now = async (): Promise<boolean> => {
    if (isClosed) return false
    asked ??= look().catch(() => false)
    const answer = await asked
    asked = undefined
    return answer && !isClosed
  }

  /** Waits; less when the signal aborts or this gateway closes. */
  const nextLook = (signal: AbortSignal) =>
    new Promise<void>((resolve) => {
      const wake = () => {
        clearTimeout(timer)
        signal.removeEventListener('abort', wake)
        waiting.delete(wake)
        resolve()
      }
      const timer = setTimeout(wake, everyMs)
      signal.addEventListener('abort', wake)
      waiting.add(wake)
      if (signal.aborted) wake()
    })

  return {
    now,
    async *changes(signal) {
      let told: boolean | undefined
      while (!signal.aborted) {
        const state = await now()
        if (state !== told) yield (told = state)
        if (isClosed) return
        await nextLook(signal)
      }
    },
    close() {
      isClosed = true
      for (const wake of waiting) wake()
    },
  }
}
