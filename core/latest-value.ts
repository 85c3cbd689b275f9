import { createNotifier } from './notifier.ts'

/** A channel of capacity one: a new value replaces a value that has not been taken. */
export interface LatestValue<T> {
  put(value: T): void
  /** No further values follow. A value that is present can still be taken. */
  close(): void
  /** Takes the value, waiting for one; null once closed and empty. @throws the reason of `signal`. */
  take(signal: AbortSignal): Promise<T | null>
}

export function createLatestValue<T>(): LatestValue<T> {
  let held: { readonly value: T } | undefined
  let isClosed = false
  const changed = createNotifier()
  return {
    put(value) {
      held = { value }
      changed.notify()
    },
    close() {
      isClosed = true
      changed.notify()
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
        await changed.wait({ signal })
      }
    },
  }
}
