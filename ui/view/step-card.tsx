import { useEffect, useId, useRef } from 'preact/hooks'
import { useSignal } from '@preact/signals'
import type { RecipeProblem } from '../recipe/check-draft.ts'
import { changeSteps, moveStep, type DraftStep } from '../recipe/draft.ts'
import { useApp } from './use-app.ts'
import { Icon } from './icon.tsx'
import { StepFields } from './step-fields.tsx'

interface Props {
  readonly step: DraftStep
  readonly groupKey: number
  readonly index: number
  readonly count: number
  readonly problems: readonly RecipeProblem[]
  readonly onRemove: () => void
}

/** One step: its name, its form, and the buttons that move and remove it. Alt+Up and Alt+Down also move it. */
export function StepCard({ step, groupKey, index, count, problems, onRemove }: Props) {
  const { server, editor } = useApp()
  const card = useRef<HTMLLIElement>(null)
  const id = useId()
  const isOpen = useSignal(true)
  const title = server.operation(step.op)?.title ?? step.op
  const stepProblem = problems.find((one) => one.parameter === undefined)

  useEffect(() => {
    if (editor.addedStep.peek() !== step.key) return
    card.current?.querySelector<HTMLElement>('.step-fields input, .step-fields select')?.focus()
    card.current?.scrollIntoView({ block: 'nearest' })
  }, [])

  const move = (by: number) =>
    editor.change((draft) => changeSteps(draft, groupKey, (steps) => moveStep(steps, step.key, by)))

  function moveByKeys(event: KeyboardEvent): void {
    if (!event.altKey || (event.key !== 'ArrowUp' && event.key !== 'ArrowDown')) return
    event.preventDefault()
    move(event.key === 'ArrowUp' ? -1 : 1)
  }

  return (
    <li
      class={problems.length === 0 ? 'step' : 'step step-invalid'}
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
        <MoveButton name="up" label={`Move ${title} up`} isDisabled={index === 0} onClick={() => move(-1)} />
        <MoveButton
          name="down"
          label={`Move ${title} down`}
          isDisabled={index + 1 === count}
          onClick={() => move(1)}
        />
        <button type="button" class="button-icon" aria-label={`Remove ${title}`} onClick={onRemove}>
          <Icon name="close" />
        </button>
      </div>
      {stepProblem === undefined ? null : <p class="field-problem">{stepProblem.message}</p>}
      {isOpen.value ? <StepFields step={step} groupKey={groupKey} problems={problems} /> : null}
    </li>
  )
}

interface MoveProps {
  readonly name: 'up' | 'down'
  readonly label: string
  readonly isDisabled: boolean
  readonly onClick: () => void
}

/** Stays focusable at the ends of the list, where a disabled button would lose the focus. */
function MoveButton({ name, label, isDisabled, onClick }: MoveProps) {
  return (
    <button type="button" class="button-icon" aria-label={label} aria-disabled={isDisabled} onClick={onClick}>
      <Icon name={name} />
    </button>
  )
}
