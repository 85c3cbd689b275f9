import { useApp } from './context.ts'
import { Icon } from './icon.tsx'

/** Runs the recipe, or cancels the running task; explains why it cannot run. */
export function RunBar() {
  const { run, canRun, start, cancel } = useApp()
  const phase = run.phase.value
  const isBusy = phase === 'uploading' || phase === 'active'
  const hint = useHint()
  return (
    <div class="run-bar">
      {isBusy ? (
        <button type="button" class="button button-large" onClick={cancel}>
          <Icon name="stop" />
          {phase === 'uploading' ? 'Stop the upload' : 'Cancel'}
        </button>
      ) : (
        <button
          type="button"
          class="button button-main button-large"
          aria-disabled={!canRun.value}
          aria-describedby="run-hint"
          onClick={start}
        >
          {phase === 'idle' ? 'Run' : 'Run again'}
          <kbd class="kbd" aria-hidden="true">
            {isApple() ? '⌘' : 'Ctrl'} ↵
          </kbd>
        </button>
      )}
      <p id="run-hint" class="run-hint" role="status">
        {isBusy ? '' : hint}
      </p>
    </div>
  )
}

function useHint(): string {
  const { sources, recipes } = useApp()
  if (sources.current.value === null) return 'Choose a picture first.'
  if (sources.refusal.value !== null) return 'Choose another picture.'
  if (sources.current.value.file === null) return 'Fetching the picture…'
  if (recipes.textProblem.value !== null) return 'The recipe text is not valid yet.'
  const [first] = recipes.problems.value
  if (first === undefined) return ''
  return first.step === undefined ? first.message : 'Correct the marked step.'
}

function isApple(): boolean {
  return /Mac|iPhone|iPad/.test(navigator.userAgent)
}
