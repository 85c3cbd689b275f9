import { useRef } from 'preact/hooks'
import { changeSteps, type StepGroup } from '../recipe/draft.ts'
import { useApp } from './use-app.ts'
import { AddStep } from './add-step.tsx'
import { StepCard } from './step-card.tsx'

/** The steps of one output, or the shared ones, in order, and the button that adds one. */
export function StepList({ group, label }: { group: StepGroup; label: string }) {
  const { editor } = useApp()
  const list = useRef<HTMLDivElement>(null)
  const problems = editor.problems.value

  function remove(stepKey: number, index: number): void {
    editor.change((draft) =>
      changeSteps(draft, group.key, (steps) => steps.filter((step) => step.key !== stepKey)),
    )
    // Moves the focus to the step that took its place; otherwise the browser resets it to the top of the page.
    requestAnimationFrame(() => {
      const titles = list.current?.querySelectorAll<HTMLElement>('.step-title') ?? []
      const next = titles[Math.min(index, titles.length - 1)]
      const target = next ?? list.current?.querySelector<HTMLElement>('.add-step > button')
      target?.focus()
    })
  }

  return (
    <div ref={list}>
      <ol class="steps" aria-label={label}>
        {group.steps.map((step, index) => (
          <StepCard
            key={step.key}
            step={step}
            groupKey={group.key}
            index={index}
            count={group.steps.length}
            problems={problems.filter((one) => one.step === step.key)}
            onRemove={() => remove(step.key, index)}
          />
        ))}
      </ol>
      <AddStep group={group} />
    </div>
  )
}
