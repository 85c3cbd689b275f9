import { FieldFrame, type FieldProps } from './field-frame.tsx'

/** A boolean. */
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
