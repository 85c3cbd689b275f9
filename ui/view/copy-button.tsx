import { useSignal } from '@preact/signals'
import { Icon } from './icon.tsx'

/** Copies a text and briefly confirms it. */
export function CopyButton({ text, label }: { text: string; label: string }) {
  const state = useSignal<'idle' | 'copied' | 'denied'>('idle')

  async function copy(): Promise<void> {
    try {
      await navigator.clipboard.writeText(text)
      state.value = 'copied'
    } catch {
      // Browsers allow clipboard access only to pages served by HTTPS or from loopback.
      state.value = 'denied'
    }
    setTimeout(() => (state.value = 'idle'), 1600)
  }

  const caption = { idle: 'Copy', copied: 'Copied', denied: 'Not allowed. Copy it by hand.' }[state.value]
  return (
    <button
      type="button"
      class="button button-quiet button-small"
      onClick={() => void copy()}
      aria-label={`${caption}: ${label}`}
    >
      <Icon name={state.value === 'copied' ? 'check' : 'copy'} />
      <span aria-live="polite">{caption}</span>
    </button>
  )
}
