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
  const closed = Promise.withResolvers<void>()
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

  return {
    now,
    async *changes(signal) {
      let told: boolean | undefined
      while (!signal.aborted) {
        const state = await now()
        if (state !== told) yield (told = state)
        if (isClosed) return
        await pause(everyMs, signal, closed.promise)
      }
    },
    close() {
      isClosed = true
      closed.resolve()
    },
  }
}

/** Waits; less when the signal aborts or the other promise resolves. */
async function pause(ms: number, signal: AbortSignal, other: Promise<void>): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>()
  const timer = setTimeout(resolve, ms)
  signal.addEventListener('abort', () => resolve(), { once: true })
  await Promise.race([promise, other])
  clearTimeout(timer)
  resolve()
}
