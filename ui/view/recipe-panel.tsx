import { addOutput } from '../recipe/draft.ts'
import { useApp } from './use-app.ts'
import { Icon } from './icon.tsx'
import { OutputEditor } from './output-editor.tsx'
import { RecipeText } from './recipe-text.tsx'
import { RunBar } from './run-bar.tsx'
import { StepList } from './step-list.tsx'

/** The recipe as steps and as text. */
export function RecipePanel() {
  const { editor, server } = useApp()
  const [shared, ...outputs] = editor.draft.value
  return (
    <section class="panel recipe" aria-labelledby="recipe-title">
      <div class="panel-head">
        <h2 id="recipe-title">Recipe</h2>
        <button
          type="button"
          class="button button-quiet button-small"
          disabled={server.operations.value.length === 0}
          onClick={() => editor.change((draft) => addOutput(draft, server.place))}
        >
          <Icon name="plus" />
          Add an output
        </button>
      </div>
      <RecipeText />
      <div class="panel-body">
        {outputs.length === 0 ? null : <h3 class="group-title">Steps of all outputs</h3>}
        <StepList group={shared} label="Steps" />
        {outputs.map((group) => (
          <OutputEditor key={group.key} group={group} />
        ))}
      </div>
      <RunBar />
    </section>
  )
}
