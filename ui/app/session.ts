import { signal, type ReadonlySignal } from '@preact/signals'
import type { Credentials } from '@pixelflow/client'

const storageKey = 'pixelflow.token'

/** The token of this browser tab: requested when the server requires one, kept in session storage. */
export interface Session extends Required<Credentials> {
  readonly current: ReadonlySignal<string | null>
  /** Set while the page waits for the user; `refused` when the server rejected the last token. */
  readonly asking: ReadonlySignal<{ readonly refused: boolean } | null>
  /** Opens the token dialog without a pending call. */
  change(): void
  /** Answers the token dialog; null means "not now". */
  answer(token: string | null): void
  forget(): void
  /** Calls back when the user has given another token; `before` is the previous one, if any. */
  onChange(listener: (before: string | null) => void): void
}

export function createSession(storage: Storage): Session {
  const current = signal(storage.getItem(storageKey))
  const asking = signal<{ refused: boolean } | null>(null)
  let waiting: PromiseWithResolvers<string | null> | undefined
  let changed: (before: string | null) => void = () => {}

  function forget(): void {
    current.value = null
    storage.removeItem(storageKey)
  }

  return {
    current,
    asking,
    token: () => current.value,
    ask(refused) {
      // Calls that fail concurrently open one dialog.
      waiting ??= Promise.withResolvers()
      asking.value = { refused: refused !== null }
      return waiting.promise
    },
    change() {
      asking.value = { refused: false }
    },
    answer(token) {
      const before = current.value
      if (token !== null) {
        current.value = token
        storage.setItem(storageKey, token)
      }
      asking.value = null
      waiting?.resolve(token)
      waiting = undefined
      if (token !== null && token !== before) changed(before)
    },
    forget,
    onChange: (listener) => void (changed = listener),
  }
}
