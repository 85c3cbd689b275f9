/** A timer that many waits share, because a timer for each would cost more than the wait. */
export interface SharedTimer {
  /** Starts it unless it runs. */
  start(): void
}

/** @param tick called every `everyMs` milliseconds while the timer runs; it stops when this returns false. */
export function createSharedTimer(everyMs: number, tick: () => boolean): SharedTimer {
  let timer: ReturnType<typeof setInterval> | undefined
  const run = () => {
    if (tick()) return
    clearInterval(timer)
    timer = undefined
  }
  return {
    start() {
      timer ??= setInterval(run, everyMs)
    },
  }
}
