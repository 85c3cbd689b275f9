import { useId, useRef } from 'preact/hooks'
import { useSignal } from '@preact/signals'
import type { StepGroup } from '../recipe/draft.ts'
import { useApp } from './use-app.ts'
import { Icon } from './icon.tsx'

/** Number of operations from which the list has a search field. */
const searchThreshold = 12

/** A button that opens the list of operations; choosing one adds it. */
export function AddStep({ group }: { group: StepGroup }) {
  const { server, editor } = useApp()
  const isOpen = useSignal(false)
  const query = useSignal('')
  const toggle = useRef<HTMLButtonElement>(null)
  const id = useId()
  const all = server.operations.value
  const search = query.value.trim().toLowerCase()
  const matches = all.filter((one) =>
    `${one.name} ${one.title} ${one.summary}`.toLowerCase().includes(search),
  )

  function close(): void {
    isOpen.value = false
    query.value = ''
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
        {all.length < searchThreshold ? null : (
          <input
            class="input"
            type="search"
            aria-label="Find an operation"
            placeholder="Find an operation"
            value={query.value}
            onInput={(event) => (query.value = event.currentTarget.value)}
          />
        )}
        <ul class="operation-list">
          {matches.map((one) => (
            <li key={one.name}>
              <button
                type="button"
                class="operation"
                disabled={one.place !== 'any' && group.steps.some((step) => step.op === one.name)}
                onClick={() => {
                  close()
                  editor.addStep(group.key, one.name)
                }}
              >
                <span class="operation-title">{one.title}</span>
                <span class="operation-summary">{one.summary}</span>
              </button>
            </li>
          ))}
        </ul>
        {matches.length === 0 ? <p class="muted">No operation matches. Try another word.</p> : null}
      </div>
    </div>
  )
}
