/** Lets calls wait until a growing number has come far enough. */
export interface SequenceWaiters {
  /** Wakes whoever waits for `at` or less. */
  reach(at: number): void
  /** True at once when it holds already; else waits to be woken for `at`, at most `withinMs`. */
  reached(holds: () => boolean, at: number, withinMs: number): Promise<boolean>
}

export function createSequenceWaiters(): SequenceWaiters {
  const waiting = new Set<{ at: number; wake: () => void }>()
  return {
    reach(at) {
      for (const one of waiting) if (one.at <= at) one.wake()
    },
    async reached(holds, at, withinMs) {
      const deadline = performance.now() + withinMs
      while (!holds()) {
        const leftMs = deadline - performance.now()
        if (leftMs <= 0) return false
        const { promise, resolve } = Promise.withResolvers<void>()
        const entry = { at, wake: resolve }
        waiting.add(entry)
        const timer = setTimeout(resolve, leftMs)
        await promise
        clearTimeout(timer)
        waiting.delete(entry)
      }
      return true
    },
  }
}
