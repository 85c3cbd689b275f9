import { inBytes } from '../text/amounts.ts'
import { formatName } from '../text/names.ts'
import type { Source } from '../app/source.ts'
import { useApp } from './context.ts'
import { FileButton } from './file-button.tsx'
import { Icon } from './icon.tsx'

/** Name and properties of the current image, and the buttons that replace or remove it. */
export function SourceBar() {
  const { sources, clear } = useApp()
  const source = sources.current.value
  return (
    <div class="source-bar">
      <div class="source-words">
        <p class="source-name">{source?.name ?? 'The source image has expired'}</p>
        {source === null ? null : <p class="source-facts">{factsOf(source).join(' · ')}</p>}
      </div>
      <FileButton label="Replace" />
      <button type="button" class="button-icon" aria-label="Clear" onClick={clear}>
        <Icon name="close" />
      </button>
    </div>
  )
}

function factsOf({ width, height, format, bytes }: Source): string[] {
  return [
    ...(width === null || height === null ? [] : [`${width} × ${height}`]),
    ...(format === undefined ? [] : [formatName(format)]),
    inBytes(bytes),
  ]
}
