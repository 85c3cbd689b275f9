import { useSignal } from '@preact/signals'
import type { SelectedImage } from '../app/image-selection.ts'
import { Icon } from './icon.tsx'
import { imageAttributes, type ComparedImage } from './use-compared-image.ts'

interface Props {
  readonly source: SelectedImage & { readonly url: string }
  /** Null while there is only the source, which then fills the frame. */
  readonly compared: ComparedImage | null
}

/** Two overlaid images with a divider that the pointer and the arrow keys move. */
export function CompareSlider({ source, compared }: Props) {
  const split = useSignal(50)
  const { width, height } = compared ?? source
  return (
    <div class="compare" style={{ '--ratio': (width ?? 3) / (height ?? 2), '--split': `${split.value}%` }}>
      {compared === null ? null : (
        <img
          key="after"
          class="compare-image compare-after"
          {...imageAttributes(compared)}
          draggable={false}
        />
      )}
      <img
        key="before"
        class={compared === null ? 'compare-image' : 'compare-image compare-before'}
        src={source.url}
        alt={compared === null ? `${source.name}, unchanged` : 'Before'}
        draggable={false}
      />
      {compared === null ? null : (
        <>
          <span class="compare-label compare-label-before" aria-hidden="true">
            Before
          </span>
          <span class="compare-label compare-label-after" aria-hidden="true">
            {compared.isPreview ? 'Preview' : 'After'}
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
            aria-label="Divider between before and after"
            aria-valuetext={`${Math.round(split.value)} percent before`}
            value={split.value}
            onInput={(event) => (split.value = event.currentTarget.valueAsNumber)}
          />
        </>
      )}
    </div>
  )
}
