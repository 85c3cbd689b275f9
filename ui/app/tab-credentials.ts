import { signal, type ReadonlySignal } from '@preact/signals'
import type { Credentials } from '@pixelflow/client'

const storageKey = 'pixelflow.token'

/** The token of this browser tab: requested when the server requires one, kept in session storage. */
export interface TabCredentials extends Required<Credentials> {
  readonly current: ReadonlySignal<string | null>
  /** Set while the page waits for the user; `isRefused` when the server rejected the last token. */
  readonly prompt: ReadonlySignal<{ readonly isRefused: boolean } | null>
  /** Opens the token dialog without a pending call. */
  openDialog(): void
  /** Answers the token dialog; null means "not now". */
  answer(token: string | null): void
  /** Calls back when the user has given another token; `before` is the previous one, if any. */
  onChange(listener: (before: string | null) => void): void
}

export function createTabCredentials(storage: Storage): TabCredentials {
  const current = signal(storage.getItem(storageKey))
  const prompt = signal<{ isRefused: boolean } | null>(null)
  let pending: PromiseWithResolvers<string | null> | undefined
  let notifyChange: (before: string | null) => void = () => {}

  return {
    current,
    prompt,
    token: () => current.value,
    ask(refusedToken) {
      // Calls that fail concurrently open one dialog.
      pending ??= Promise.withResolvers()
      prompt.value = { isRefused: refusedToken !== null }
      return pending.promise
    },
    openDialog() {
      prompt.value = { isRefused: false }
    },
    answer(token) {
      const before = current.value
      if (token !== null) {
        current.value = token
        storage.setItem(storageKey, token)
      }
      prompt.value = null
      pending?.resolve(token)
      pending = undefined
      if (token !== null && token !== before) notifyChange(before)
    },
    onChange: (listener) => void (notifyChange = listener),
  }
}
