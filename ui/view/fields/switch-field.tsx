import { FieldFrame, type FieldProps } from './field-frame.tsx'

/** Yes or no. */
export function SwitchField({ field, value, problem, onChange }: FieldProps) {
  return (
    <FieldFrame field={field} problem={problem}>
      {(ties) => (
        <input
          {...ties}
          class="switch"
          type="checkbox"
          role="switch"
          checked={(value ?? field.fallback) === true}
          onChange={(event) => onChange(event.currentTarget.checked)}
        />
      )}
    </FieldFrame>
  )
}
