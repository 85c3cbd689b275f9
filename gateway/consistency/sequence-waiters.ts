import { createNotifier, type Notifier } from '@pixelflow/core/notifier'

/** Lets calls wait until a growing sequence has reached a number. */
export interface SequenceWaiters {
  /** Wakes the calls that wait for `seq` or less. */
  reach(seq: number): void
  /** Resolves with true as soon as `holds`, which is checked whenever `seq` is reached; with false after `withinMs`. */
  wait(holds: () => boolean, seq: number, withinMs: number): Promise<boolean>
}

export function createSequenceWaiters(): SequenceWaiters {
  const waiters = new Set<{ readonly seq: number; readonly notifier: Notifier }>()
  return {
    reach(seq) {
      for (const waiter of waiters) if (waiter.seq <= seq) waiter.notifier.notify()
    },
    async wait(holds, seq, withinMs) {
      if (holds()) return true
      const deadline = performance.now() + withinMs
      const waiter = { seq, notifier: createNotifier() }
      waiters.add(waiter)
      try {
        while (!holds()) {
          const timeoutMs = deadline - performance.now()
          if (timeoutMs <= 0) return false
          await waiter.notifier.wait({ timeoutMs })
        }
        return true
      } finally {
        waiters.delete(waiter)
      }
    },
  }
}
