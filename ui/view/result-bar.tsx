import type { Result } from '../app/results.ts'
import type { Source } from '../app/source.ts'
import { inBytes, inShare } from '../text/amounts.ts'
import { formatName, resultFileName } from '../text/names.ts'
import { Icon } from './icon.tsx'

interface Props {
  readonly results: readonly Result[]
  readonly shown: Result
  readonly source: Source | null
  /** Whether the recipe has changed since. */
  readonly isOld: boolean
}

/** Size and format of the shown result and its download; with several outputs, all downloads. */
export function ResultBar({ results, shown, source, isOld }: Props) {
  const { width, height, format, bytes } = shown.output
  const sourceName = source?.name ?? 'image'
  return (
    <div class="result-bar">
      <dl class="figures">
        <Figure name="Size" value={`${width} × ${height}`} />
        <Figure name="Format" value={formatName(format)} />
        <Figure name="File" value={inBytes(bytes)} />
        {source === null ? null : <Saving bytes={bytes} sourceBytes={source.bytes} />}
      </dl>
      {/* After the figures, so that they do not move when it appears. */}
      {isOld ? <p class="mark">of the last run</p> : null}
      <div class="downloads">
        {results.map((one) => (
          <a
            key={one.url}
            class={one === shown ? 'button button-main' : 'button'}
            href={one.url}
            download={resultFileName(sourceName, one.output)}
          >
            <Icon name="download" />
            {results.length === 1 ? 'Download' : one.output.name}
          </a>
        ))}
      </div>
    </div>
  )
}

function Saving({ bytes, sourceBytes }: { bytes: number; sourceBytes: number }) {
  const saved = sourceBytes - bytes
  const amount = `${inBytes(Math.abs(saved))} (${inShare(Math.abs(saved), sourceBytes)})`
  return saved < 0 ? (
    <Figure name="Larger by" value={amount} />
  ) : (
    <Figure name="Saved" value={amount} isGood />
  )
}

function Figure({ name, value, isGood = false }: { name: string; value: string; isGood?: boolean }) {
  return (
    <div class="figure">
      <dt>{name}</dt>
      <dd class={isGood ? 'figure-good' : ''}>{value}</dd>
    </div>
  )
}
