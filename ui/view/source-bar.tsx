import { displayBytes } from '../text/display-bytes.ts'
import { displayFormat } from '../text/display-format.ts'
import type { SelectedImage } from '../app/image-selection.ts'
import { useApp } from './use-app.ts'
import { FileButton } from './file-button.tsx'
import { Icon } from './icon.tsx'

/** Name and properties of the current image, and the buttons that replace or remove it. */
export function SourceBar() {
  const { selection, clear } = useApp()
  const source = selection.current.value
  return (
    <div class="source-bar">
      <div class="source-text">
        <p class="source-name">{source?.name ?? 'The source image has expired'}</p>
        {source === null ? null : <p class="source-details">{describeSource(source).join(' · ')}</p>}
      </div>
      <FileButton label="Replace" />
      <button type="button" class="button-icon" aria-label="Clear" onClick={clear}>
        <Icon name="close" />
      </button>
    </div>
  )
}

function describeSource({ width, height, format, bytes }: SelectedImage): string[] {
  return [
    ...(width === null || height === null ? [] : [`${width} × ${height}`]),
    ...(format === undefined ? [] : [displayFormat(format)]),
    displayBytes(bytes),
  ]
}
