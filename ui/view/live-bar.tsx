import { useEffect, useId } from 'preact/hooks'
import { useSignal } from '@preact/signals'
import { displayBytes } from '../text/display-bytes.ts'
import { useApp } from './use-app.ts'

/** Time after which a pending preview is reported as slow. */
const slowAfterMs = 3000

/** State of the live preview in one line, and its switch. */
export function LiveBar() {
  const { live, uploads, run } = useApp()
  const id = useId()
  const state = live.state.value
  // While a task waits for the same upload, the task's own progress shows it.
  const upload = state === 'uploading' && run.phase.value === 'idle' ? uploads.current.value : null
  const isBehind = live.isBehind.value && state === 'live'
  const text = useStatusText(useIsSlow(isBehind || state === 'opening'))
  const preview = live.preview.value
  return (
    <div class={`live live-${state}`} data-behind={isBehind}>
      {upload === null ? null : (
        <progress
          class="bar live-upload"
          max={upload.totalBytes}
          value={upload.sentBytes}
          aria-label="Upload"
        />
      )}
      <span class="live-dot" aria-hidden="true" />
      <p class="live-text">
        <span role="status">
          {text === '' ? null : <span class="visually-hidden">Live preview: </span>}
          {text}
        </span>
        {upload === null ? null : (
          <span class="live-amount">
            {displayBytes(upload.sentBytes)} of {displayBytes(upload.totalBytes)}
          </span>
        )}
        {state === 'live' && preview !== null ? (
          <span class="live-amount">
            {preview.width} × {preview.height}
          </span>
        ) : null}
      </p>
      <label class="live-label" for={id}>
        Live preview
      </label>
      <input
        id={id}
        class="switch"
        type="checkbox"
        role="switch"
        checked={live.isEnabled.value}
        onChange={(event) => live.setEnabled(event.currentTarget.checked)}
      />
    </div>
  )
}

/** True once the condition has held for `slowAfterMs`. */
function useIsSlow(isBehind: boolean): boolean {
  const isSlow = useSignal(false)
  useEffect(() => {
    isSlow.value = false
    if (!isBehind) return
    const timer = setTimeout(() => (isSlow.value = true), slowAfterMs)
    return () => clearTimeout(timer)
  }, [isBehind])
  return isSlow.value
}

/** Does not change with every preview, because screen readers announce it. */
function useStatusText(isSlow: boolean): string {
  const { live, editor, isTaskUpToDate, run, selection } = useApp()
  switch (live.state.value) {
    case 'off':
      if (live.isEnabled.value || selection.current.value?.imageId != null) return ''
      return 'The image is uploaded when you run the recipe'
    case 'idle':
      return 'The preview starts with the next change of the recipe'
    case 'uploading':
      return 'Uploading the image'
    case 'opening':
      return isSlow ? 'Waiting for a free actor…' : 'Preparing the preview'
    case 'reconnecting':
      return 'The connection was lost. Reconnecting…'
    case 'unavailable':
      return live.unavailableReason.value ?? ''
    case 'live':
      // A problem with a parameter is shown at its field.
      if (editor.recipe.value === null || editor.problems.value.length > 0)
        return 'Showing the last valid recipe'
      if (live.refusalReason.value !== null)
        return `Showing the last valid recipe. ${live.refusalReason.value}`
      if (isSlow) return 'Rendering takes longer than usual…'
      return isTaskUpToDate.value && run.results.value.length > 0
        ? 'This is the result'
        : 'Follows every change'
  }
}
