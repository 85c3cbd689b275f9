import { useEffect, useId } from 'preact/hooks'
import { useSignal } from '@preact/signals'
import { inBytes } from '../text/amounts.ts'
import { useApp } from './context.ts'

/** Time after which a pending preview is reported as slow, in milliseconds. */
const patienceMs = 3000

/** State of the live preview in one line, and its switch. */
export function LiveBar() {
  const { live, uploads, run } = useApp()
  const id = useId()
  const state = live.state.value
  // While a task waits for the same upload, the task's own progress shows it.
  const upload = state === 'sending' && run.phase.value === 'idle' ? uploads.current.value : null
  const isBehind = live.isBehind.value && state === 'live'
  const words = useWords(useIsLate(isBehind || state === 'opening'))
  const preview = live.preview.value
  return (
    <div class={`live live-${state}`} data-behind={isBehind}>
      {upload === null ? null : (
        <progress
          class="bar live-sent"
          max={upload.totalBytes}
          value={upload.sentBytes}
          aria-label="Upload"
        />
      )}
      <span class="live-dot" aria-hidden="true" />
      <p class="live-words">
        <span role="status">
          {words === '' ? null : <span class="visually-hidden">Live preview: </span>}
          {words}
        </span>
        {upload === null ? null : (
          <span class="live-amount">
            {inBytes(upload.sentBytes)} of {inBytes(upload.totalBytes)}
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
        checked={live.wanted.value}
        onChange={(event) => live.turn(event.currentTarget.checked)}
      />
    </div>
  )
}

/** True once the condition has held for `patienceMs`. */
function useIsLate(isBehind: boolean): boolean {
  const isLate = useSignal(false)
  useEffect(() => {
    isLate.value = false
    if (!isBehind) return
    const timer = setTimeout(() => (isLate.value = true), patienceMs)
    return () => clearTimeout(timer)
  }, [isBehind])
  return isLate.value
}

/** Changes seldom, because screen readers announce it: not with every preview. */
function useWords(isLate: boolean): string {
  const { live, recipes, isSettled, run, sources } = useApp()
  switch (live.state.value) {
    case 'off':
      if (live.wanted.value || sources.current.value?.imageId != null) return ''
      return 'The picture is sent when you run the recipe'
    case 'resting':
      return 'Starts with the next change of the recipe'
    case 'sending':
      return 'Sending the picture'
    case 'opening':
      return isLate ? 'Waiting for an actor…' : 'Preparing'
    case 'lost':
      return 'The connection was lost. Connecting again…'
    case 'absent':
      return live.why.value ?? ''
    case 'live':
      // A problem with a parameter is shown at its field.
      if (recipes.ready.value === null || recipes.problems.value.length > 0)
        return 'Showing the last valid recipe'
      if (live.refused.value !== null) return `Showing the last valid recipe. ${live.refused.value}`
      if (isLate) return 'Rendering takes longer than usual…'
      return isSettled.value && run.results.value.length > 0 ? 'This is the result' : 'Follows every change'
  }
}
