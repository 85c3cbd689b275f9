import { useSignal } from '@preact/signals'
import type { SelectedImage } from '../app/image-selection.ts'
import { CompareSlider } from './compare-slider.tsx'
import { useApp } from './use-app.ts'
import { Tabs } from './tabs.tsx'
import { imageAttributes, type ComparedImage } from './use-compared-image.ts'

type View = 'slider' | 'side' | 'result'

interface Props {
  /** Null until there is an image to compare with. */
  readonly compared: ComparedImage | null
  readonly source: SelectedImage | null
  /** CSS classes of the area with the images. */
  readonly className: string
}

/** Maximum difference of the aspect ratios at which the images are overlaid. */
const maxRatioDifference = 0.02

/** Source and result, or source and live preview; with several outputs, one at a time. */
export function Comparison({ compared, source, className }: Props) {
  const { live } = useApp()
  const selectedView = useSignal<View | null>(null)
  const outputs = useOutputs()
  const before = source?.isDecodable === true ? source : null
  const view = before === null ? 'result' : (selectedView.value ?? chooseView(before, compared))

  return (
    <div class="comparison">
      {outputs.length < 2 && before === null ? null : (
        <div class="comparison-tools">
          {outputs.length < 2 ? null : (
            <Tabs
              label="Output"
              options={outputs.map((name) => [name, name])}
              chosen={outputs.find((name) => name === live.output.value) ?? outputs[0] ?? ''}
              onChoose={live.selectOutput}
            />
          )}
          {before === null ? null : (
            <Tabs
              label="View"
              options={[
                ['slider', 'Slider'],
                ['side', 'Side by side'],
                ['result', 'Result'],
              ]}
              chosen={view}
              onChoose={(next) => (selectedView.value = next)}
            />
          )}
        </div>
      )}
      <div class={className}>
        {before?.url != null && (view === 'slider' || compared === null) ? (
          <CompareSlider source={{ ...before, url: before.url }} compared={compared} />
        ) : (
          <div class={view === 'side' ? 'pair' : 'pair pair-one'}>
            {view === 'side' && before?.url != null ? (
              <figure>
                <img class="pair-image" src={before.url} alt="Before" />
                <figcaption>Before</figcaption>
              </figure>
            ) : null}
            {compared === null ? null : (
              <figure>
                <img
                  class="pair-image"
                  {...imageAttributes(compared)}
                  width={compared.width}
                  height={compared.height}
                />
                {view === 'side' ? <figcaption>{compared.isPreview ? 'Preview' : 'After'}</figcaption> : null}
              </figure>
            )}
          </div>
        )}
      </div>
    </div>
  )
}

/** Names of the outputs that can be selected: those of the loaded results, or those of the recipe. */
function useOutputs(): readonly string[] {
  const { editor, run, live, isTaskUpToDate } = useApp()
  const results = run.results.value
  if (results.length > 0 && (isTaskUpToDate.value || live.preview.value === null))
    return results.map((one) => one.output.name)
  return editor.recipe.value?.outputs ?? []
}

function chooseView(before: SelectedImage, compared: ComparedImage | null): View {
  if (compared === null) return 'slider'
  if (before.width === null || before.height === null) return 'side'
  const ratio = compared.width / compared.height / (before.width / before.height)
  return Math.abs(ratio - 1) < maxRatioDifference ? 'slider' : 'side'
}
