import { checkValue } from '../../recipe/check-value.ts'
import { FieldFrame, type FieldProps } from './field-frame.tsx'

/** A colour picker and a text input. */
export function ColorField({ field, value, problem, onChange }: FieldProps) {
  const displayed = String(value ?? field.defaultValue ?? '')

  /** The picker gives `#rrggbb`; the schema may require it without `#`. */
  function pick(color: string): void {
    const forms = [color, color.slice(1)]
    onChange(forms.find((one) => checkValue(field, one) === undefined) ?? color)
  }

  return (
    <FieldFrame field={field} problem={problem}>
      {(inputAttributes) => (
        <span class="color">
          <input
            class="color-well"
            type="color"
            aria-label={`${field.label}, picker`}
            value={sixDigits(displayed)}
            onInput={(event) => pick(event.currentTarget.value)}
          />
          <input
            {...inputAttributes}
            class="input input-color"
            type="text"
            autocomplete="off"
            spellcheck={false}
            value={String(value ?? '')}
            placeholder={String(field.defaultValue ?? 'auto')}
            onInput={(event) => onChange(event.currentTarget.value.trim() || undefined)}
          />
        </span>
      )}
    </FieldFrame>
  )
}

/** The `#rrggbb` of a colour for the picker: also accepts `fff` and `#ffffff80`; black if it cannot be shown. */
function sixDigits(color: string): string {
  const digits = /^#?([0-9a-f]{3,8})$/i.exec(color)?.[1] ?? ''
  if (digits.length >= 6) return `#${digits.slice(0, 6).toLowerCase()}`
  if (digits.length >= 3) return `#${[...digits.slice(0, 3).toLowerCase()].map((d) => d + d).join('')}`
  return '#000000'
}
