import { useEffect, useId, useRef } from 'preact/hooks'
import { useSignal } from '@preact/signals'
import type { RecipeProblem } from '../recipe/check-draft.ts'
import { inLane, moved, type DraftStep } from '../recipe/draft.ts'
import { useApp } from './context.ts'
import { Icon } from './icon.tsx'
import { StepFields } from './step-fields.tsx'

interface Props {
  readonly step: DraftStep
  readonly laneKey: number
  readonly index: number
  readonly count: number
  readonly problems: readonly RecipeProblem[]
  readonly onRemove: () => void
}

/** One step: its name, its form, and the buttons that move and remove it. Alt+Up and Alt+Down also move it. */
export function StepCard({ step, laneKey, index, count, problems, onRemove }: Props) {
  const { server, recipes } = useApp()
  const card = useRef<HTMLLIElement>(null)
  const id = useId()
  const isOpen = useSignal(true)
  const title = server.operation(step.op)?.title ?? step.op
  const own = problems.find((one) => one.parameter === undefined)

  useEffect(() => {
    if (recipes.added.peek() !== step.key) return
    card.current?.querySelector<HTMLElement>('.step-fields input, .step-fields select')?.focus()
    card.current?.scrollIntoView({ block: 'nearest' })
  }, [])

  const change = (by: number) =>
    recipes.change((draft) => inLane(draft, laneKey, (steps) => moved(steps, step.key, by)))

  function moveByKeys(event: KeyboardEvent): void {
    if (!event.altKey || (event.key !== 'ArrowUp' && event.key !== 'ArrowDown')) return
    event.preventDefault()
    change(event.key === 'ArrowUp' ? -1 : 1)
  }

  return (
    <li
      class={problems.length === 0 ? 'step' : 'step step-wrong'}
      ref={card}
      onKeyDown={moveByKeys}
      aria-labelledby={id}
    >
      <div class="step-head">
        <button
          type="button"
          class="step-title"
          aria-expanded={isOpen.value}
          onClick={() => (isOpen.value = !isOpen.value)}
        >
          <Icon name="fold" />
          <span class="step-number" aria-hidden="true">
            {index + 1}
          </span>
          <span id={id}>{title}</span>
        </button>
        <MoveButton name="up" label={`Move ${title} up`} off={index === 0} onClick={() => change(-1)} />
        <MoveButton
          name="down"
          label={`Move ${title} down`}
          off={index + 1 === count}
          onClick={() => change(1)}
        />
        <button type="button" class="button-icon" aria-label={`Remove ${title}`} onClick={onRemove}>
          <Icon name="close" />
        </button>
      </div>
      {own === undefined ? null : <p class="field-problem">{own.message}</p>}
      {isOpen.value ? <StepFields step={step} laneKey={laneKey} problems={problems} /> : null}
    </li>
  )
}

interface MoveProps {
  readonly name: 'up' | 'down'
  readonly label: string
  readonly off: boolean
  readonly onClick: () => void
}

/** Stays focusable at the ends of the list, where a disabled button would lose the focus. */
function MoveButton({ name, label, off, onClick }: MoveProps) {
  return (
    <button type="button" class="button-icon" aria-label={label} aria-disabled={off} onClick={onClick}>
      <Icon name={name} />
    </button>
  )
}
