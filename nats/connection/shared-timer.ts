/** A timer that many waits share, because a timer for each would cost more than the wait. */
export interface SharedTimer {
  /** Makes the check run at `deadline` or before, by `performance.now()`. */
  checkBy(deadline: number): void
}

/**
 * A wait that ends before its deadline does not cancel the check, so a process whose requests are answered wakes once in
 * the time limit of a request. The timer does not keep the process alive: the socket of the request does.
 * @param check ends the waits that are over, and returns the first deadline of the others, or Infinity.
 */
export function createSharedTimer(check: () => number): SharedTimer {
  let timer: ReturnType<typeof setTimeout> | undefined
  let dueAt = Infinity
  const run = () => {
    dueAt = Infinity
    checkBy(check())
  }
  const checkBy = (deadline: number) => {
    if (deadline >= dueAt) return
    dueAt = deadline
    clearTimeout(timer)
    // A timer may end a fraction of a millisecond early; a further one would only wait for the rest.
    timer = setTimeout(run, Math.max(0, Math.ceil(deadline - performance.now()))).unref()
  }
  return { checkBy }
}
