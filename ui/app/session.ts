import { signal, type ReadonlySignal } from '@preact/signals'
import type { Credentials } from '@pixelflow/client'

const storageKey = 'pixelflow.token'

/** The token of this tab: asked for when the server wants one, forgotten with the tab. */
export interface Session extends Required<Credentials> {
  readonly current: ReadonlySignal<string | null>
  /** Set while the page waits for the person; `refused` when the last token was not accepted. */
  readonly asking: ReadonlySignal<{ readonly refused: boolean } | null>
  /** Opens the question without a call that waits for it. */
  change(): void
  /** Answers the question; null is "not now". */
  answer(token: string | null): void
  forget(): void
  /** Calls back when the person has given another token; `before` is the one it replaces, if any. */
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
      // Calls that fail together ask once.
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
