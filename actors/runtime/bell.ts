/** Wakes one who waits. A ring that nobody waits for is kept, once. */
export interface Bell {
  ring(): void
  /** Resolves at the next ring, or after `ms`, or when the signal aborts; tells whether it rang. */
  wait(ms: number, signal: AbortSignal): Promise<boolean>
}

export function createBell(): Bell {
  let isRung = false
  let wake = () => {}
  return {
    ring() {
      isRung = true
      wake()
    },
    async wait(ms, signal) {
      if (!isRung && !signal.aborted) {
        const { promise, resolve } = Promise.withResolvers<void>()
        wake = resolve
        const timer = setTimeout(resolve, ms)
        signal.addEventListener('abort', wake, { once: true })
        await promise
        clearTimeout(timer)
        signal.removeEventListener('abort', wake)
      }
      const rang = isRung
      isRung = false
      return rang
    },
  }
}
