/** Holds one thing at a time: what is put in replaces what was not taken yet. */
export interface LatestValue<T> {
  put(value: T): void
  /** Nothing more will be put in; what is there can still be taken. */
  close(): void
  /** The newest, as soon as there is one; null once it is closed and empty. @throws the reason of `signal`. */
  take(signal: AbortSignal): Promise<T | null>
}

export function createLatestValue<T>(): LatestValue<T> {
  let held: { readonly value: T } | undefined
  let isClosed = false
  let wake: () => void = () => {}
  return {
    put(value) {
      held = { value }
      wake()
    },
    close() {
      isClosed = true
      wake()
    },
    async take(signal) {
      for (;;) {
        signal.throwIfAborted()
        if (held !== undefined) {
          const { value } = held
          held = undefined
          return value
        }
        if (isClosed) return null
        await new Promise<void>((resolve) => {
          wake = () => {
            signal.removeEventListener('abort', wake)
            resolve()
          }
          signal.addEventListener('abort', wake)
        })
        wake = () => {}
      }
    },
  }
}
