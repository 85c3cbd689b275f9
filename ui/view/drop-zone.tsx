import { describeAcceptedFiles } from '../app/check-image.ts'
import { useApp } from './use-app.ts'
import { FileButton } from './file-button.tsx'

/** Shown while there is no image. */
export function DropZone() {
  const { server } = useApp()
  const settings = server.settings.value
  return (
    <div class="drop-zone">
      <LargeLogo />
      <p class="drop-title">Drop an image here</p>
      <p class="muted">or paste one, or</p>
      <FileButton label="Choose a file" main />
      <p class="drop-formats">{settings === null ? ' ' : describeAcceptedFiles(settings)}</p>
    </div>
  )
}

/** A large version of the logo: separate pixels that form an image. */
function LargeLogo() {
  const pixels: readonly (readonly [x: number, y: number, shade: number])[] = [
    [4, 30, 1],
    [20, 14, 2],
    [20, 46, 1],
    [36, 30, 3],
    [52, 14, 3],
    [52, 30, 4],
    [52, 46, 2],
    [68, 14, 4],
    [68, 30, 5],
    [68, 46, 4],
    [84, 14, 5],
    [84, 30, 5],
    [84, 46, 5],
  ]
  return (
    <svg class="large-logo" viewBox="0 0 100 64" width="150" height="96" aria-hidden="true" focusable="false">
      {pixels.map(([x, y, shade]) => (
        <rect key={`${x} ${y}`} class={`large-logo-${shade}`} x={x} y={y} width="12" height="12" rx="2" />
      ))}
    </svg>
  )
}
