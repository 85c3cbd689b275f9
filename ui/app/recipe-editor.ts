import { batch, computed, effect, signal, untracked, type ReadonlySignal } from '@preact/signals'
import { Fault } from '@pixelflow/core/fault'
import type { Recipe } from '@pixelflow/core/recipe/recipe'
import {
  checkDraft,
  describeFault,
  locateProblem,
  type RecipeProblem,
  type ValidRecipe,
} from '../recipe/check-draft.ts'
import type { RecipeInBothForms } from '../recipe/initial-recipe.ts'
import type { RecipeParser } from '../recipe/load-recipe-parser.ts'
import { changeSteps, createDraft, createStep, insertStep, type Draft } from '../recipe/draft.ts'
import { toDraft } from '../recipe/to-draft.ts'
import type { Server } from './server.ts'

/**
 * The recipe as steps and as text. The one edited last wins: steps rewrite the text, a valid text rewrites the steps, an
 * invalid text keeps the steps and reports the problem. A text that is typed before the parser is there is read then.
 */
export interface RecipeEditor {
  readonly draft: ReadonlySignal<Draft>
  /** Short text form; JSON where the recipe has several outputs. */
  readonly text: ReadonlySignal<string>
  readonly textProblem: ReadonlySignal<string | null>
  readonly problems: ReadonlySignal<readonly RecipeProblem[]>
  /** The recipe to run; null while it is invalid, and without the parser. */
  readonly recipe: ReadonlySignal<ValidRecipe | null>
  /** Key of the step that was added last, to put the cursor into. */
  readonly addedStep: ReadonlySignal<number | null>
  change(next: (draft: Draft) => Draft): void
  addStep(groupKey: number, operation: string): void
  writeText(text: string): void
  /** Normalises the text after the user has stopped typing. */
  normaliseText(): void
  load(recipe: Recipe): void
  /** Marks the problem that the server reported for this recipe; the next change removes the mark. */
  markProblem(field: string, message: string): void
}

export function createRecipeEditor(
  server: Server,
  parser: ReadonlySignal<RecipeParser | null>,
  initial: RecipeInBothForms,
): RecipeEditor {
  const draft = signal<Draft>(toDraft(initial, createDraft(), server.fields))
  const text = signal(initial.text)
  const isTextEditedLast = signal(false)
  const textProblem = signal<string | null>(null)
  const addedStep = signal<number | null>(null)
  const marked = signal<{ draft: Draft; problem: RecipeProblem } | null>(null)
  const checked = computed(() => checkDraft(draft.value, server.fields, parser.value))

  effect(() => {
    const { recipe } = checked.value
    if (recipe !== null && !isTextEditedLast.value) text.value = recipe.text ?? recipe.json
  })

  function replaceDraft(next: Draft): void {
    batch(() => {
      isTextEditedLast.value = false
      textProblem.value = null
      draft.value = next
    })
  }

  function writeText(typed: string): void {
    batch(() => {
      isTextEditedLast.value = true
      text.value = typed
      if (parser.value === null) return
      try {
        draft.value = toDraft(readText(typed, parser.value), draft.value, server.fields)
        textProblem.value = null
      } catch (thrown) {
        textProblem.value = describeTextProblem(thrown)
      }
    })
  }

  effect(() => {
    if (parser.value !== null && isTextEditedLast.peek()) untracked(() => writeText(text.value))
  })

  return {
    draft,
    text,
    textProblem,
    problems: computed(() => {
      const { problems } = checked.value
      return marked.value?.draft === draft.value ? [...problems, marked.value.problem] : problems
    }),
    recipe: computed(() => (textProblem.value === null ? checked.value.recipe : null)),
    addedStep,
    change: (next) => replaceDraft(next(draft.value)),
    addStep(groupKey, operation) {
      const step = createStep(operation)
      addedStep.value = step.key
      replaceDraft(changeSteps(draft.value, groupKey, (steps) => insertStep(steps, step, server.place)))
    },
    writeText,
    normaliseText() {
      if (textProblem.value === null) isTextEditedLast.value = false
    },
    load: (recipe) => replaceDraft(toDraft(recipe, draft.value, server.fields)),
    markProblem(field, message) {
      const problem = locateProblem(draft.value, field, message)
      marked.value = problem.step === undefined ? null : { draft: draft.value, problem }
    },
  }
}

/** @throws Fault `invalid_recipe`, or SyntaxError for invalid JSON. */
function readText(typed: string, { parseRecipe }: RecipeParser): Recipe {
  return parseRecipe(typed.trimStart().startsWith('{') ? JSON.parse(typed) : typed)
}

function describeTextProblem(thrown: unknown): string {
  return thrown instanceof Fault
    ? describeFault(thrown)
    : 'The text is not valid JSON yet. Complete or correct it.'
}
