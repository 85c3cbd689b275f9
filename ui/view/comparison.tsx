import { useSignal } from '@preact/signals'
import type { Source } from '../app/source.ts'
import { CompareSlider } from './compare-slider.tsx'
import { useApp } from './context.ts'
import { Tabs } from './tabs.tsx'
import { picturing, type After } from './use-after.ts'

type View = 'slider' | 'side' | 'result'

interface Props {
  /** Null until there is an image to compare with. */
  readonly after: After | null
  readonly source: Source | null
  /** CSS classes of the stage. */
  readonly stage: string
}

/** Maximum difference of the aspect ratios at which the images are overlaid. */
const sameShape = 0.02

/** Source and result, or source and live preview; with several outputs, one at a time. */
export function Comparison({ after, source, stage }: Props) {
  const { live } = useApp()
  const chosenView = useSignal<View | null>(null)
  const outputs = useOutputs()
  const before = source?.drawable === true ? source : null
  const view = before === null ? 'result' : (chosenView.value ?? fittingView(before, after))

  return (
    <div class="comparison">
      {outputs.length < 2 && before === null ? null : (
        <div class="comparison-tools">
          {outputs.length < 2 ? null : (
            <Tabs
              label="Output"
              options={outputs.map((name) => [name, name])}
              chosen={outputs.find((name) => name === live.output.value) ?? outputs[0] ?? ''}
              onChoose={live.show}
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
              onChoose={(next) => (chosenView.value = next)}
            />
          )}
        </div>
      )}
      <div class={stage}>
        {before?.url != null && (view === 'slider' || after === null) ? (
          <CompareSlider source={{ ...before, url: before.url }} after={after} />
        ) : (
          <div class={view === 'side' ? 'pair' : 'pair pair-one'}>
            {view === 'side' && before?.url != null ? (
              <figure>
                <img class="pair-picture" src={before.url} alt="Before" />
                <figcaption>Before</figcaption>
              </figure>
            ) : null}
            {after === null ? null : (
              <figure>
                <img class="pair-picture" {...picturing(after)} width={after.width} height={after.height} />
                {view === 'side' ? <figcaption>{after.isPreview ? 'Preview' : 'After'}</figcaption> : null}
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
  const { recipes, run, live, isSettled } = useApp()
  const results = run.results.value
  if (results.length > 0 && (isSettled.value || live.preview.value === null))
    return results.map((one) => one.output.name)
  return recipes.ready.value?.outputs ?? []
}

function fittingView(before: Source, after: After | null): View {
  if (after === null) return 'slider'
  if (before.width === null || before.height === null) return 'side'
  const ratio = after.width / after.height / (before.width / before.height)
  return Math.abs(ratio - 1) < sameShape ? 'slider' : 'side'
}
