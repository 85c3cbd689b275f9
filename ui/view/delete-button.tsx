import { useEffect } from 'preact/hooks'
import { useSignal } from '@preact/signals'
import { Icon } from './icon.tsx'

/** How long the confirmation is shown. */
const confirmationMs = 4000

/** Asks for confirmation in place, because deletion cannot be undone. */
export function DeleteButton({ label, onDelete }: { label: string; onDelete: () => void }) {
  const isAsking = useSignal(false)

  useEffect(() => {
    if (!isAsking.value) return
    const timer = setTimeout(() => (isAsking.value = false), confirmationMs)
    return () => clearTimeout(timer)
  }, [isAsking.value])

  return (
    <button
      type="button"
      class={isAsking.value ? 'button button-small button-danger' : 'button-icon'}
      aria-label={isAsking.value ? `Really delete ${label}` : `Delete ${label}`}
      onClick={() => (isAsking.value ? onDelete() : (isAsking.value = true))}
      onBlur={() => (isAsking.value = false)}
    >
      {isAsking.value ? 'Delete?' : <Icon name="close" />}
    </button>
  )
}
