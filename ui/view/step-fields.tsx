import { useId, useRef } from 'preact/hooks'
import { useSignal } from '@preact/signals'
import type { RecipeProblem } from '../recipe/check-draft.ts'
import { inLane, withValue, type DraftStep } from '../recipe/draft.ts'
import type { Field } from '../recipe/field.ts'
import { prominentFields } from '../recipe/prominence.ts'
import { useApp } from './context.ts'
import { StepField } from './fields/step-field.tsx'
import { Icon } from './icon.tsx'

interface Props {
  readonly step: DraftStep
  readonly laneKey: number
  readonly problems: readonly RecipeProblem[]
}

/** The most used fields first; the others are folded until they are changed. */
export function StepFields({ step, laneKey, problems }: Props) {
  const { recipes, server } = useApp()
  const fields = server.fields(step.op)
  const id = useId()
  const isMore = useSignal(false)
  const prominent = useRef<ReadonlySet<string>>(new Set())
  // While "More" is open the fields keep their order, so that an input does not move during typing.
  if (!isMore.value)
    prominent.current = prominentFields(fields, step.values, server.operation(step.op)?.text.usage ?? '')
  const shown = fields.filter((field) => prominent.current.has(field.name))
  const folded = fields.filter((field) => !prominent.current.has(field.name))

  const draw = (field: Field) => (
    <StepField
      key={field.name}
      field={field}
      value={step.values[field.name]}
      problem={problems.find((one) => one.parameter === field.name)?.message}
      onChange={(value) =>
        recipes.change((draft) =>
          inLane(draft, laneKey, (steps) => withValue(steps, step.key, field.name, value)),
        )
      }
    />
  )

  return (
    <div class="step-fields">
      {shown.map(draw)}
      {folded.length === 0 ? null : (
        <>
          <button
            type="button"
            class="more"
            aria-expanded={isMore.value}
            aria-controls={id}
            onClick={() => (isMore.value = !isMore.value)}
          >
            <Icon name="fold" />
            More
            <span class="more-names">{folded.map((field) => field.label.toLowerCase()).join(', ')}</span>
          </button>
          <div id={id} class="step-fields" hidden={!isMore.value}>
            {isMore.value ? folded.map(draw) : null}
          </div>
        </>
      )}
    </div>
  )
}
