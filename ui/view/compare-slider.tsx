import { useSignal } from '@preact/signals'
import type { Source } from '../app/source.ts'
import { Icon } from './icon.tsx'
import { picturing, type After } from './use-after.ts'

interface Props {
  readonly source: Source & { readonly url: string }
  /** Null while there is only the source, which then fills the frame. */
  readonly after: After | null
}

/** Two overlaid images with a divider that the pointer and the arrow keys move. */
export function CompareSlider({ source, after }: Props) {
  const split = useSignal(50)
  const { width, height } = after ?? source
  return (
    <div class="compare" style={{ '--ratio': (width ?? 3) / (height ?? 2), '--split': `${split.value}%` }}>
      {after === null ? null : (
        <img key="after" class="compare-picture compare-after" {...picturing(after)} draggable={false} />
      )}
      <img
        key="before"
        class={after === null ? 'compare-picture' : 'compare-picture compare-before'}
        src={source.url}
        alt={after === null ? `${source.name}, as chosen` : 'Before'}
        draggable={false}
      />
      {after === null ? null : (
        <>
          <span class="compare-label compare-label-before" aria-hidden="true">
            Before
          </span>
          <span class="compare-label compare-label-after" aria-hidden="true">
            {after.isPreview ? 'Preview' : 'After'}
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
        </>
      )}
    </div>
  )
}
