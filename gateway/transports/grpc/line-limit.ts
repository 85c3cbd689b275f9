/** Bounds how often a log line is written that callers without credentials can cause. */
export interface LineLimit {
  /** Whether the line may be written. */
  take(): boolean
}

/** Lines of one second. */
export const mostLines = 100

/**
 * @param report Told how many lines were left out, at the end of a second in which some were.
 * @param atEnd Calls back when the second is over.
 */
export function createLineLimit(
  report: (leftOut: number) => void,
  atEnd: (end: () => void) => void = (end) => void setTimeout(end, 1000).unref(),
): LineLimit {
  let taken = 0
  const end = (): void => {
    const leftOut = taken - mostLines
    taken = 0
    if (leftOut > 0) report(leftOut)
  }
  return {
    take() {
      if (taken === 0) atEnd(end)
      taken += 1
      return taken <= mostLines
    },
  }
}
