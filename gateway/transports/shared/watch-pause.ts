/** Watches how long the client sends nothing. */
export interface PauseWatch extends Disposable {
  /** The next piece is awaited. */
  begin(): void
  /** It has arrived. */
  end(): void
  /** Whether `onTooLong` was called. */
  readonly isTooLong: boolean
}

/**
 * Calls `onTooLong` once when a piece is awaited for longer than `pauseMs`. One timer for the whole upload, because a timer
 * for each piece costs as much as receiving it.
 */
export function watchPause(pauseMs: number | undefined, onTooLong: () => void): PauseWatch {
  let since: number | undefined
  let isTooLong = false
  let timer: ReturnType<typeof setTimeout> | undefined
  const check = () => {
    const leftMs = since === undefined ? limitMs : since + limitMs - performance.now()
    if (leftMs > 0) {
      timer = setTimeout(check, leftMs)
      return
    }
    isTooLong = true
    onTooLong()
  }
  const limitMs = pauseMs ?? Infinity
  if (pauseMs !== undefined) timer = setTimeout(check, pauseMs)
  return {
    begin() {
      since = performance.now()
    },
    end() {
      since = undefined
    },
    get isTooLong() {
      return isTooLong
    },
    [Symbol.dispose]: () => clearTimeout(timer),
  }
}
