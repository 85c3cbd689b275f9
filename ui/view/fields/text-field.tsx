import type { Control } from '../../recipe/field.ts'
import { FieldFrame, type FieldProps } from './field-frame.tsx'

interface Props extends FieldProps {
  readonly control: Extract<Control, { kind: 'text' }>
}

/** Text, or what has several shapes; what looks like a number is one where the schema takes numbers. */
export function TextField({ field, control, value, problem, onChange }: Props) {
  function type(text: string): void {
    const trimmed = text.trim()
    if (trimmed === '') onChange(undefined)
    else onChange(control.numeric && Number.isFinite(Number(trimmed)) ? Number(trimmed) : text)
  }
  return (
    <FieldFrame field={field} problem={problem}>
      {(ties) => (
        <input
          {...ties}
          class="input"
          type="text"
          autocomplete="off"
          spellcheck={false}
          placeholder={String(field.fallback ?? (field.required ? '' : 'auto'))}
          value={String(value ?? '')}
          onInput={(event) => type(event.currentTarget.value)}
        />
      )}
    </FieldFrame>
  )
}
