import { useId, useRef } from 'preact/hooks'
import { useSignal } from '@preact/signals'
import type { RecipeProblem } from '../recipe/check-draft.ts'
import { changeSteps, setValue, type DraftStep } from '../recipe/draft.ts'
import type { Field } from '../recipe/field.ts'
import { selectProminentFields } from '../recipe/prominent-fields.ts'
import { useApp } from './use-app.ts'
import { StepField } from './fields/step-field.tsx'
import { Icon } from './icon.tsx'

interface Props {
  readonly step: DraftStep
  readonly groupKey: number
  readonly problems: readonly RecipeProblem[]
}

/** The most used fields first; the others are folded until they are changed. */
export function StepFields({ step, groupKey, problems }: Props) {
  const { editor, server } = useApp()
  const fields = server.fields(step.op)
  const id = useId()
  const isExpanded = useSignal(false)
  const prominent = useRef<ReadonlySet<string>>(new Set())
  // While "More" is open the fields keep their order, so that an input does not move during typing.
  if (!isExpanded.value)
    prominent.current = selectProminentFields(
      fields,
      step.values,
      server.operation(step.op)?.text.positional ?? [],
    )
  const displayedFields = fields.filter((field) => prominent.current.has(field.name))
  const folded = fields.filter((field) => !prominent.current.has(field.name))

  const renderField = (field: Field) => (
    <StepField
      key={field.name}
      field={field}
      value={step.values[field.name]}
      problem={problems.find((one) => one.parameter === field.name)?.message}
      onChange={(value) =>
        editor.change((draft) =>
          changeSteps(draft, groupKey, (steps) => setValue(steps, step.key, field.name, value)),
        )
      }
    />
  )

  return (
    <div class="step-fields">
      {displayedFields.map(renderField)}
      {folded.length === 0 ? null : (
        <>
          <button
            type="button"
            class="more"
            aria-expanded={isExpanded.value}
            aria-controls={id}
            onClick={() => (isExpanded.value = !isExpanded.value)}
          >
            <Icon name="fold" />
            More
            <span class="more-names">{folded.map((field) => field.label.toLowerCase()).join(', ')}</span>
          </button>
          <div id={id} class="step-fields" hidden={!isExpanded.value}>
            {isExpanded.value ? folded.map(renderField) : null}
          </div>
        </>
      )}
    </div>
  )
}
