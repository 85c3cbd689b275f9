import { batch, computed, effect, signal, type ReadonlySignal } from '@preact/signals'
import { Fault } from '@pixelflow/core/fault'
import { parseRecipe, type Recipe } from '@pixelflow/core/recipe/recipe'
import { checkDraft, problemAt, type RecipeProblem, type Runnable } from '../recipe/check-draft.ts'
import { draftOf } from '../recipe/convert.ts'
import { emptyDraft, inLane, newStep, withStep, type Draft } from '../recipe/draft.ts'
import type { Server } from './server.ts'

/**
 * The edited recipe as steps and as text. The one edited last wins: steps rewrite the text, a valid text rewrites the steps,
 * an invalid text keeps the steps and reports the problem.
 */
export interface Recipes {
  readonly draft: ReadonlySignal<Draft>
  /** Short text form; JSON where the recipe has several outputs. */
  readonly text: ReadonlySignal<string>
  readonly textProblem: ReadonlySignal<string | null>
  readonly problems: ReadonlySignal<readonly RecipeProblem[]>
  /** The recipe to run; null while it is invalid. */
  readonly ready: ReadonlySignal<Runnable | null>
  /** Key of the step that was added last, to put the cursor into. */
  readonly added: ReadonlySignal<number | null>
  change(next: (draft: Draft) => Draft): void
  add(laneKey: number, operation: string): void
  write(text: string): void
  /** Normalises the text after the user has stopped typing. */
  tidy(): void
  take(recipe: Recipe): void
  /** Marks the problem that a task with this recipe reported; the next change removes the mark. */
  mark(field: string, message: string): void
}

export function createRecipes(server: Server, initial: string): Recipes {
  const draft = signal<Draft>(emptyDraft())
  const text = signal('')
  const textLeads = signal(false)
  const textProblem = signal<string | null>(null)
  const added = signal<number | null>(null)
  const marked = signal<{ draft: Draft; problem: RecipeProblem } | null>(null)
  const checked = computed(() => checkDraft(draft.value, server.fields))

  effect(() => {
    const { runnable } = checked.value
    if (runnable !== null && !textLeads.value) text.value = runnable.text ?? runnable.json
  })

  function stepsLead(next: Draft): void {
    batch(() => {
      textLeads.value = false
      textProblem.value = null
      draft.value = next
    })
  }

  function write(typed: string): void {
    batch(() => {
      textLeads.value = true
      text.value = typed
      try {
        draft.value = draftOf(read(typed), draft.value, server.fields)
        textProblem.value = null
      } catch (thrown) {
        textProblem.value = inWords(thrown)
      }
    })
  }

  stepsLead(draftOf(read(initial), draft.value, server.fields))

  return {
    draft,
    text,
    textProblem,
    problems: computed(() => {
      const found = marked.value
      return found?.draft === draft.value
        ? [...checked.value.problems, found.problem]
        : checked.value.problems
    }),
    ready: computed(() => (textProblem.value === null ? checked.value.runnable : null)),
    added,
    change: (next) => stepsLead(next(draft.value)),
    add(laneKey, operation) {
      const step = newStep(operation)
      added.value = step.key
      stepsLead(inLane(draft.value, laneKey, (steps) => withStep(steps, step, server.place)))
    },
    write,
    tidy() {
      if (textProblem.value === null) textLeads.value = false
    },
    take: (recipe) => stepsLead(draftOf(recipe, draft.value, server.fields)),
    mark(field, message) {
      const problem = problemAt(draft.value, field, message)
      marked.value = problem.step === undefined ? null : { draft: draft.value, problem }
    },
  }
}

/** @throws Fault `invalid_recipe`, or SyntaxError for invalid JSON. */
function read(typed: string): Recipe {
  return parseRecipe(typed.trimStart().startsWith('{') ? JSON.parse(typed) : typed)
}

function inWords(thrown: unknown): string {
  if (!(thrown instanceof Fault)) return 'This is not valid JSON yet.'
  return [thrown.message, thrown.hints.remedy].filter((part) => part !== undefined).join(' ')
}
