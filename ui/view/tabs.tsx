import { useId } from 'preact/hooks'

interface Props<T extends string> {
  readonly label: string
  readonly options: readonly (readonly [value: T, text: string])[]
  readonly chosen: T
  readonly onChoose: (value: T) => void
}

/** A single choice as a row of radio buttons, for arrow keys and screen readers. */
export function Tabs<T extends string>({ label, options, chosen, onChoose }: Props<T>) {
  const group = useId()
  return (
    <fieldset class="tabs">
      <legend class="visually-hidden">{label}</legend>
      {options.map(([value, text]) => (
        <label key={value} class={value === chosen ? 'tab tab-chosen' : 'tab'}>
          <input
            class="visually-hidden"
            type="radio"
            name={group}
            checked={value === chosen}
            onChange={() => onChoose(value)}
          />
          {text}
        </label>
      ))}
    </fieldset>
  )
}
