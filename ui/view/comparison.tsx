import { useSignal } from '@preact/signals'
import type { Result } from '../app/results.ts'
import type { Source } from '../app/source.ts'
import { CompareSlider } from './compare-slider.tsx'
import { ResultBar } from './result-bar.tsx'
import { Tabs } from './tabs.tsx'

type View = 'slider' | 'side' | 'result'

/** Of the ratio of sides: below this, laying one picture over the other compares like with like. */
const sameShape = 0.02

/** Results beside their source; with several, one at a time. */
export function Comparison({ results, source }: { results: readonly Result[]; source: Source | null }) {
  const chosenName = useSignal<string | null>(null)
  const chosenView = useSignal<View | null>(null)
  const result = results.find((one) => one.output.name === chosenName.value) ?? results[0]
  if (result === undefined) return null
  const before = source?.drawable === true ? source : null
  const view = before === null ? 'result' : (chosenView.value ?? fittingView(before, result))
  const { width, height, name } = result.output
  const alt = name === 'default' ? 'Result' : `Result ${name}`

  return (
    <div class="comparison">
      {results.length < 2 && before === null ? null : (
        <div class="comparison-tools">
          {results.length < 2 ? null : (
            <Tabs
              label="Output"
              options={results.map((one) => [one.output.name, one.output.name])}
              chosen={name}
              onChoose={(next) => (chosenName.value = next)}
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
      <div class="stage stage-done">
        {view === 'slider' && before?.url != null ? (
          <CompareSlider
            key={result.url}
            before={before.url}
            after={result.url}
            width={width}
            height={height}
            alt={alt}
          />
        ) : (
          <div class={view === 'side' ? 'pair' : 'pair pair-one'}>
            {view === 'side' && before?.url != null ? (
              <figure>
                <img class="pair-picture" src={before.url} alt="Before" />
                <figcaption>Before</figcaption>
              </figure>
            ) : null}
            <figure>
              <img
                class="pair-picture"
                data-testid="result"
                src={result.url}
                alt={alt}
                width={width}
                height={height}
              />
              {view === 'side' ? <figcaption>After</figcaption> : null}
            </figure>
          </div>
        )}
      </div>
      <ResultBar results={results} shown={result} source={source} />
    </div>
  )
}

function fittingView(before: Source, { output }: Result): View {
  if (before.width === null || before.height === null) return 'side'
  const ratio = output.width / output.height / (before.width / before.height)
  return Math.abs(ratio - 1) < sameShape ? 'slider' : 'side'
}
