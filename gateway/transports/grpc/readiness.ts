/** Whether this gateway can serve. One check serves all callers of the same moment and all watchers. */
export interface Readiness {
  now(): Promise<boolean>
  /** Yields the state and each change of it; ends when the signal aborts. */
  changes(signal: AbortSignal): AsyncGenerator<boolean, void>
  /** Reports not ready from now on. */
  close(): void
}

const defaultIntervalMs = 1000

export function createReadiness(check: () => Promise<boolean>, intervalMs = defaultIntervalMs): Readiness {
  /** Wakes the watchers that wait for the next check. */
  const waiting = new Set<() => void>()
  let isClosed = false
  let running: Promise<boolean> | undefined

  /** Concurrent callers share one check. */
  const now = async (): Promise<boolean> => {
    if (isClosed) return false
    running ??= check().catch(() => false)
    const isReady = await running
    running = undefined
    return isReady && !isClosed
  }

  /** Waits for the interval, or until the signal aborts or this gateway closes. */
  const waitForNextCheck = (signal: AbortSignal) =>
    new Promise<void>((resolve) => {
      const wake = () => {
        clearTimeout(timer)
        signal.removeEventListener('abort', wake)
        waiting.delete(wake)
        resolve()
      }
      const timer = setTimeout(wake, intervalMs)
      signal.addEventListener('abort', wake)
      waiting.add(wake)
      if (signal.aborted) wake()
    })

  return {
    now,
    async *changes(signal) {
      let last: boolean | undefined
      while (!signal.aborted) {
        const state = await now()
        if (state !== last) yield (last = state)
        if (isClosed) return
        await waitForNextCheck(signal)
      }
    },
    close() {
      isClosed = true
      for (const wake of waiting) wake()
    },
  }
}
