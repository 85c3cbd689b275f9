import { useApp } from './use-app.ts'
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
          {phase === 'uploading' ? 'Cancel the upload' : 'Cancel'}
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
  const { selection, editor } = useApp()
  if (selection.current.value === null) return 'Choose an image first.'
  if (selection.refusal.value !== null) return 'This image cannot be used. Choose another one.'
  if (selection.current.value.file === null) return 'Downloading the image…'
  if (editor.textProblem.value !== null) return 'The recipe text is not valid yet. Correct it.'
  const [first] = editor.problems.value
  if (first === undefined) return ''
  return first.step === undefined ? first.message : 'A step is not valid yet. Correct the marked step.'
}

function isApple(): boolean {
  return /Mac|iPhone|iPad/.test(navigator.userAgent)
}
