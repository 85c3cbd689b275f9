import { useId } from 'preact/hooks'
import { useApp } from './use-app.ts'
import { CopyButton } from './copy-button.tsx'

/** The recipe as text, kept in sync with the list of steps in both directions. */
export function RecipeText() {
  const { editor } = useApp()
  const id = useId()
  const text = editor.text.value
  const problem = editor.textProblem.value
  const isJson = text.trimStart().startsWith('{')
  return (
    <div class="recipe-text">
      <div class="recipe-text-head">
        <label class="label" for={id}>
          <span class="visually-hidden">Recipe </span>
          {isJson ? 'As JSON' : 'As text'}
        </label>
        <CopyButton text={text} label="the recipe" />
      </div>
      <textarea
        id={id}
        class="input input-code"
        rows={1}
        spellcheck={false}
        autocomplete="off"
        autocapitalize="off"
        aria-invalid={problem !== null}
        aria-describedby={`${id}-problem`}
        value={text}
        onInput={(event) => editor.writeText(event.currentTarget.value)}
        onBlur={editor.normaliseText}
      />
      <p id={`${id}-problem`} class="field-problem" role="status">
        {problem}
      </p>
    </div>
  )
}
