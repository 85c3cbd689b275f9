import { withOutput } from '../recipe/draft.ts'
import { useApp } from './context.ts'
import { Icon } from './icon.tsx'
import { OutputLane } from './output-lane.tsx'
import { RecipeText } from './recipe-text.tsx'
import { RunBar } from './run-bar.tsx'
import { StepList } from './step-list.tsx'

/** The recipe as steps and as text. */
export function RecipePanel() {
  const { recipes, server } = useApp()
  const [shared, ...outputs] = recipes.draft.value
  return (
    <section class="panel recipe" aria-labelledby="recipe-title">
      <div class="panel-head">
        <h2 id="recipe-title">Recipe</h2>
        <button
          type="button"
          class="button button-quiet button-small"
          disabled={server.operations.value.length === 0}
          onClick={() => recipes.change((draft) => withOutput(draft, server.place))}
        >
          <Icon name="plus" />
          Output
        </button>
      </div>
      <RecipeText />
      <div class="panel-body">
        {outputs.length === 0 ? null : <h3 class="lane-title">Steps of all outputs</h3>}
        <StepList lane={shared} label="Steps" />
        {outputs.map((lane) => (
          <OutputLane key={lane.key} lane={lane} />
        ))}
      </div>
      <RunBar />
    </section>
  )
}
