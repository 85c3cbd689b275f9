import { useId, useRef } from 'preact/hooks'
import { useSignal } from '@preact/signals'
import type { Lane } from '../recipe/draft.ts'
import { useApp } from './context.ts'
import { Icon } from './icon.tsx'

/** Number of operations from which the list has a search field. */
const searchFrom = 12

/** A button that opens the list of operations; choosing one adds it. */
export function AddStep({ lane }: { lane: Lane }) {
  const { server, recipes } = useApp()
  const isOpen = useSignal(false)
  const wanted = useSignal('')
  const toggle = useRef<HTMLButtonElement>(null)
  const id = useId()
  const all = server.operations.value
  const word = wanted.value.trim().toLowerCase()
  const found = all.filter((one) => `${one.name} ${one.title} ${one.summary}`.toLowerCase().includes(word))

  function close(): void {
    isOpen.value = false
    wanted.value = ''
  }

  function closeByKey(event: KeyboardEvent): void {
    if (event.key !== 'Escape' || !isOpen.value) return
    close()
    toggle.current?.focus()
  }

  return (
    <div class="add-step" onKeyDown={closeByKey}>
      <button
        ref={toggle}
        type="button"
        class="button add-step-toggle"
        aria-expanded={isOpen.value}
        aria-controls={id}
        disabled={all.length === 0}
        onClick={() => (isOpen.value ? close() : (isOpen.value = true))}
      >
        <Icon name={isOpen.value ? 'close' : 'plus'} />
        {isOpen.value ? 'Close' : 'Add a step'}
      </button>
      <div id={id} class="operations" hidden={!isOpen.value}>
        {all.length < searchFrom ? null : (
          <input
            class="input"
            type="search"
            aria-label="Find an operation"
            placeholder="Find an operation"
            value={wanted.value}
            onInput={(event) => (wanted.value = event.currentTarget.value)}
          />
        )}
        <ul class="operation-list">
          {found.map((one) => (
            <li key={one.name}>
              <button
                type="button"
                class="operation"
                disabled={one.place !== 'any' && lane.steps.some((step) => step.op === one.name)}
                onClick={() => {
                  close()
                  recipes.add(lane.key, one.name)
                }}
              >
                <span class="operation-title">{one.title}</span>
                <span class="operation-summary">{one.summary}</span>
              </button>
            </li>
          ))}
        </ul>
        {found.length === 0 ? <p class="muted">No matching operation.</p> : null}
      </div>
    </div>
  )
}
