import { FieldFrame, type FieldProps } from './field-frame.tsx'

/** A boolean. */
export function SwitchField({ field, value, problem, onChange }: FieldProps) {
  return (
    <FieldFrame field={field} problem={problem}>
      {(inputAttributes) => (
        <input
          {...inputAttributes}
          class="switch"
          type="checkbox"
          role="switch"
          checked={(value ?? field.defaultValue) === true}
          onChange={(event) => onChange(event.currentTarget.checked)}
        />
      )}
    </FieldFrame>
  )
}
