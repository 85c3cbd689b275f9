import type { Control } from '../../recipe/field.ts'
import { FieldFrame, type FieldProps } from './field-frame.tsx'

interface Props extends FieldProps {
  readonly control: Extract<Control, { kind: 'choice' }>
}

/** A choice from a fixed list of values. */
export function ChoiceField({ field, control, value, problem, onChange }: Props) {
  const options = control.options.map(String)
  const displayed = value ?? field.defaultValue
  const isUnset = displayed === undefined
  return (
    <FieldFrame field={field} problem={problem}>
      {(inputAttributes) => (
        <select
          {...inputAttributes}
          class="input select"
          value={isUnset ? '' : String(displayed)}
          onChange={(event) => {
            const chosen = options.indexOf(event.currentTarget.value)
            onChange(control.options[chosen])
          }}
        >
          {field.isRequired && !isUnset ? null : field.defaultValue === undefined ? (
            <option value="">{field.isRequired ? 'Choose…' : 'auto'}</option>
          ) : null}
          {options.map((option) => (
            <option key={option} value={option}>
              {option}
            </option>
          ))}
        </select>
      )}
    </FieldFrame>
  )
}
