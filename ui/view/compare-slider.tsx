import { useSignal } from '@preact/signals'
import { Icon } from './icon.tsx'

interface Props {
  readonly before: string
  readonly after: string
  /** Of the result, in pixels; they give the frame its shape. */
  readonly width: number
  readonly height: number
  readonly alt: string
}

/** Two pictures, one over the other, and an edge between them to move by pointer or arrow keys. */
export function CompareSlider({ before, after, width, height, alt }: Props) {
  const split = useSignal(50)
  return (
    <div class="compare" style={{ '--ratio': width / height, '--split': `${split.value}%` }}>
      <img class="compare-picture" data-testid="result" src={after} alt={alt} draggable={false} />
      <img class="compare-picture compare-before" src={before} alt="Before" draggable={false} />
      <span class="compare-label compare-label-before" aria-hidden="true">
        Before
      </span>
      <span class="compare-label compare-label-after" aria-hidden="true">
        After
      </span>
      <span class="compare-edge" aria-hidden="true">
        <span class="compare-grip">
          <Icon name="handles" />
        </span>
      </span>
      <input
        class="compare-input"
        type="range"
        min={0}
        max={100}
        step={0.5}
        aria-label="Edge between before and after"
        aria-valuetext={`${Math.round(split.value)} percent before`}
        value={split.value}
        onInput={(event) => (split.value = event.currentTarget.valueAsNumber)}
      />
    </div>
  )
}
