import { useRef } from 'preact/hooks'
import { inLane, type Lane } from '../recipe/draft.ts'
import { useApp } from './context.ts'
import { AddStep } from './add-step.tsx'
import { StepCard } from './step-card.tsx'

/** The steps of one output, or the shared ones, in order, and the button that adds one. */
export function StepList({ lane, label }: { lane: Lane; label: string }) {
  const { recipes } = useApp()
  const list = useRef<HTMLDivElement>(null)
  const problems = recipes.problems.value

  function remove(stepKey: number, index: number): void {
    recipes.change((draft) =>
      inLane(draft, lane.key, (steps) => steps.filter((step) => step.key !== stepKey)),
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
        {lane.steps.map((step, index) => (
          <StepCard
            key={step.key}
            step={step}
            laneKey={lane.key}
            index={index}
            count={lane.steps.length}
            problems={problems.filter((one) => one.step === step.key)}
            onRemove={() => remove(step.key, index)}
          />
        ))}
      </ol>
      <AddStep lane={lane} />
    </div>
  )
}
