import { signal, type ReadonlySignal } from '@preact/signals'

const storageKey = 'pixelflow.theme'

/** Dark or light theme: the system's preference until the user selects one. */
export interface Theme {
  readonly current: ReadonlySignal<'light' | 'dark'>
  toggle(): void
}

export function createTheme(page: Window): Theme {
  const system = page.matchMedia('(prefers-color-scheme: dark)')
  const chosen = (): string | null => page.localStorage.getItem(storageKey)
  const effective = () => {
    const wanted = chosen()
    if (wanted === 'light' || wanted === 'dark') return wanted
    return system.matches ? 'dark' : 'light'
  }
  const current = signal<'light' | 'dark'>(effective())

  system.addEventListener('change', () => {
    current.value = effective()
  })

  return {
    current,
    toggle() {
      const next = current.value === 'dark' ? 'light' : 'dark'
      // Selecting the system's own preference follows the system again.
      if (next === (system.matches ? 'dark' : 'light')) page.localStorage.removeItem(storageKey)
      else page.localStorage.setItem(storageKey, next)
      current.value = next
      page.document.documentElement.dataset['theme'] = next
    },
  }
}
