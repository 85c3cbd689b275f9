import type { Result } from '../app/results.ts'
import type { SelectedImage } from '../app/image-selection.ts'
import { displayBytes } from '../text/display-bytes.ts'
import { displayPercent } from '../text/display-percent.ts'
import { displayFormat } from '../text/display-format.ts'
import { nameResultFile } from '../text/name-result-file.ts'
import { Icon } from './icon.tsx'

interface Props {
  readonly results: readonly Result[]
  readonly displayed: Result
  readonly source: SelectedImage | null
  /** Whether the recipe has changed since. */
  readonly isOutdated: boolean
}

/** Size and format of the shown result and its download; with several outputs, all downloads. */
export function ResultBar({ results, displayed, source, isOutdated }: Props) {
  const { width, height, format, bytes } = displayed.output
  const sourceName = source?.name ?? 'image'
  return (
    <div class="result-bar">
      <dl class="properties">
        <Property name="Size" value={`${width} × ${height}`} />
        <Property name="Format" value={displayFormat(format)} />
        <Property name="File" value={displayBytes(bytes)} />
        {source === null ? null : <Saving bytes={bytes} sourceBytes={source.bytes} />}
      </dl>
      {/* After the properties, so that they do not move when it appears. */}
      {isOutdated ? <p class="badge">from the last run</p> : null}
      <div class="downloads">
        {results.map((one) => (
          <a
            key={one.url}
            class={one === displayed ? 'button button-main' : 'button'}
            href={one.url}
            download={nameResultFile(sourceName, one.output)}
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
  const amount = `${displayBytes(Math.abs(saved))} (${displayPercent(Math.abs(saved), sourceBytes)})`
  return saved < 0 ? (
    <Property name="Larger by" value={amount} />
  ) : (
    <Property name="Saved" value={amount} isGood />
  )
}

function Property({ name, value, isGood = false }: { name: string; value: string; isGood?: boolean }) {
  return (
    <div class="property">
      <dt>{name}</dt>
      <dd class={isGood ? 'property-good' : ''}>{value}</dd>
    </div>
  )
}
