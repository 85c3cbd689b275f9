import { createNotifier } from '@pixelflow/core/notifier'

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
  const closing = createNotifier()
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

  return {
    now,
    async *changes(signal) {
      let last: boolean | undefined
      while (!signal.aborted) {
        const state = await now()
        if (state !== last) yield (last = state)
        if (isClosed) return
        await closing.wait({ signal, timeoutMs: intervalMs })
      }
    },
    close() {
      isClosed = true
      closing.notify()
    },
  }
}
