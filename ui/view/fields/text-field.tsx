import type { Control } from '../../recipe/field.ts'
import { FieldFrame, type FieldProps } from './field-frame.tsx'

interface Props extends FieldProps {
  readonly control: Extract<Control, { kind: 'text' }>
}

/** Text, or a value with several types; text that looks like a number is a number where the schema accepts one. */
export function TextField({ field, control, value, problem, onChange }: Props) {
  function type(text: string): void {
    const trimmed = text.trim()
    if (trimmed === '') onChange(undefined)
    else onChange(control.isNumeric && Number.isFinite(Number(trimmed)) ? Number(trimmed) : text)
  }
  return (
    <FieldFrame field={field} problem={problem}>
      {(inputAttributes) => (
        <input
          {...inputAttributes}
          class="input"
          type="text"
          autocomplete="off"
          spellcheck={false}
          placeholder={String(field.defaultValue ?? (field.isRequired ? '' : 'auto'))}
          value={String(value ?? '')}
          onInput={(event) => type(event.currentTarget.value)}
        />
      )}
    </FieldFrame>
  )
}
