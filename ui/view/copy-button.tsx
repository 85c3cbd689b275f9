import { useSignal } from '@preact/signals'
import { Icon } from './icon.tsx'

/** Copies a text and briefly confirms it. */
export function CopyButton({ text, label }: { text: string; label: string }) {
  const state = useSignal<'idle' | 'copied' | 'refused'>('idle')

  async function copy(): Promise<void> {
    try {
      await navigator.clipboard.writeText(text)
      state.value = 'copied'
    } catch {
      // Browsers allow clipboard access only to pages served by HTTPS or from loopback.
      state.value = 'refused'
    }
    setTimeout(() => (state.value = 'idle'), 1600)
  }

  const said = { idle: 'Copy', copied: 'Copied', refused: 'Copy it manually' }[state.value]
  return (
    <button
      type="button"
      class="button button-quiet button-small"
      onClick={() => void copy()}
      aria-label={`${said}: ${label}`}
    >
      <Icon name={state.value === 'copied' ? 'check' : 'copy'} />
      <span aria-live="polite">{said}</span>
    </button>
  )
}
