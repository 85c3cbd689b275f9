/**
 * Wakes callers that wait for a state to change, like a condition variable. A notification is not stored: check the
 * state before and after each wait.
 */
export interface Notifier {
  /** Wakes all current waiters. */
  notify(): void
  /** Resolves at the next notification, after `timeoutMs`, or as soon as `signal` aborts; never rejects. */
  wait(options?: { readonly signal?: AbortSignal; readonly timeoutMs?: number }): Promise<void>
}

export function createNotifier(): Notifier {
  const waiters = new Set<() => void>()
  return {
    notify() {
      for (const wake of waiters) wake()
    },
    wait({ signal, timeoutMs } = {}) {
      if (signal?.aborted) return Promise.resolve()
      return new Promise((resolve) => {
        const wake = () => {
          waiters.delete(wake)
          clearTimeout(timer)
          signal?.removeEventListener('abort', wake)
          resolve()
        }
        const timer = timeoutMs === undefined ? undefined : setTimeout(wake, timeoutMs)
        signal?.addEventListener('abort', wake)
        waiters.add(wake)
      })
    },
  }
}
