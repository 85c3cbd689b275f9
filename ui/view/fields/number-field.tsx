import { useSignal } from '@preact/signals'
import type { Control } from '../../recipe/field.ts'
import { toSliderPosition, sliderSteps, removeRoundingError, toSliderValue } from '../../recipe/slider.ts'
import { FieldFrame, type FieldProps } from './field-frame.tsx'

interface Props extends FieldProps {
  readonly control: Extract<Control, { kind: 'number' }>
}

/**
 * A number input, with a slider if its schema has both bounds. A text input, because `type="number"` discards text that
 * is not a number: here `12x` stays visible and is reported as invalid.
 */
export function NumberField({ field, control, value, problem, onChange }: Props) {
  const typed = useSignal('')
  const { range } = control
  // The typed text is kept while it denotes the value: `1.` and `01` are not rewritten during typing.
  const displayed = read(typed.value) === value ? typed.value : String(value ?? '')
  const settled = typeof value === 'number' ? value : field.defaultValue
  const current = typeof settled === 'number' ? settled : undefined

  const position = current === undefined || range === undefined ? 0 : toSliderPosition(current, range)

  function type(text: string): void {
    typed.value = text
    onChange(read(text))
  }

  function step(event: KeyboardEvent): void {
    const direction = { ArrowUp: 1, ArrowDown: -1 }[event.key]
    if (direction === undefined || event.altKey) return
    event.preventDefault()
    const by = (range?.step ?? 1) * (event.shiftKey ? 10 : 1) * direction
    onChange(removeRoundingError((current ?? range?.min ?? 0) + by))
  }

  const slider =
    range === undefined ? null : (
      <input
        class={current === undefined ? 'slider slider-unset' : 'slider'}
        type="range"
        min={0}
        max={sliderSteps}
        step={1}
        aria-label={`${field.label}, slider`}
        aria-valuetext={current === undefined ? 'not set' : String(current)}
        style={{ '--share': position / sliderSteps }}
        value={position}
        onInput={(event) => onChange(toSliderValue(event.currentTarget.valueAsNumber, range))}
      />
    )

  return (
    <FieldFrame field={field} problem={problem} below={slider}>
      {(inputAttributes) => (
        <input
          {...inputAttributes}
          class="input input-number"
          type="text"
          inputMode={control.isInteger ? 'numeric' : 'decimal'}
          autocomplete="off"
          placeholder={placeholder(field.defaultValue, field.isRequired)}
          value={displayed}
          onInput={(event) => type(event.currentTarget.value)}
          onKeyDown={step}
        />
      )}
    </FieldFrame>
  )
}

function placeholder(defaultValue: unknown, isRequired: boolean): string {
  if (defaultValue !== undefined) return String(defaultValue)
  return isRequired ? '' : 'auto'
}

/** The number that a text denotes; the text itself if it is not a number; undefined if it is empty. */
function read(text: string): number | string | undefined {
  const trimmed = text.trim().replace(',', '.')
  if (trimmed === '') return undefined
  const number = Number(trimmed)
  return Number.isNaN(number) ? text : number
}
