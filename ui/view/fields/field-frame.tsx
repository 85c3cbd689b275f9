import { useSignal } from '@preact/signals'
import { useId } from 'preact/hooks'
import type { ComponentChildren } from 'preact'
import type { Field } from '../../recipe/field.ts'
import { Icon } from '../icon.tsx'

/** Props of every field of a step. */
export interface FieldProps {
  readonly field: Field
  /** Undefined where the step omits the value. */
  readonly value: unknown
  readonly problem: string | undefined
  readonly onChange: (value: unknown) => void
}

/** Attributes that connect an input to its label, its hint and its problem. */
export interface InputAttributes {
  readonly id: string
  readonly 'aria-describedby': string
  readonly 'aria-invalid': boolean
}

interface Props extends Pick<FieldProps, 'field' | 'problem'> {
  readonly children: (inputAttributes: InputAttributes) => ComponentChildren
  /** Content below the label and the input, over the full width. */
  readonly below?: ComponentChildren
}

/** Label, input, problem and, on request, the description of a parameter; screen readers always get the description. */
export function FieldFrame({ field, problem, children, below }: Props) {
  const id = useId()
  const isHintShown = useSignal(false)
  const inputAttributes = {
    id,
    'aria-describedby': `${id}-hint ${id}-problem`,
    'aria-invalid': problem !== undefined,
  }
  return (
    <div class="field">
      <div class="field-row">
        <span class="field-name">
          <label class="label" for={id}>
            {field.label}
          </label>
          {field.hint === undefined ? null : (
            <button
              type="button"
              class="field-help"
              aria-label={`About ${field.label}`}
              aria-expanded={isHintShown.value}
              aria-controls={`${id}-hint`}
              onClick={() => (isHintShown.value = !isHintShown.value)}
            >
              <Icon name="info" />
            </button>
          )}
        </span>
        {children(inputAttributes)}
      </div>
      {below}
      <p id={`${id}-problem`} class="field-problem">
        {problem}
      </p>
      {field.hint === undefined ? null : (
        <p id={`${id}-hint`} class="field-hint" hidden={!isHintShown.value}>
          {field.hint}
        </p>
      )}
    </div>
  )
}
