import { Fault } from '@pixelflow/core/fault'
import { outputNamePattern, outputNames } from '@pixelflow/core/recipe/output-names'
import type { Recipe } from '@pixelflow/core/recipe/recipe'
import { checkValue } from './check-value.ts'
import type { Draft, StepGroup } from './draft.ts'
import type { Field } from './field.ts'
import type { RecipeParser } from './load-recipe-parser.ts'
import { locateField } from './locate-field.ts'
import { toRecipe } from './to-recipe.ts'

/** A problem in a draft; `group`, `step` and `parameter` locate it as far as possible. */
export interface RecipeProblem {
  readonly message: string
  readonly group?: number
  readonly step?: number
  readonly parameter?: string
}

export interface ValidRecipe {
  /** With all defaults. */
  readonly parsed: Recipe
  /** The request body. */
  readonly body: Record<string, unknown>
  /** The request body as formatted text. */
  readonly json: string
  /** Short text form; null for several outputs, which have none. */
  readonly text: string | null
  /** Equal for equivalent recipes. */
  readonly key: string
  /** Names of its outputs. */
  readonly outputs: readonly string[]
}

export interface CheckedDraft {
  readonly problems: readonly RecipeProblem[]
  readonly recipe: ValidRecipe | null
}

/**
 * Checks every value against the published schema of its field, so that all invalid ones are shown at once; then parses
 * the whole recipe with the server's own parser, which also checks rules across fields. Without the parser, which is loaded
 * after the page was drawn, no recipe is valid.
 */
export function checkDraft(
  draft: Draft,
  fields: (op: string) => readonly Field[],
  parser: RecipeParser | null,
): CheckedDraft {
  const problems = draft.flatMap((group) => [...checkName(draft, group), ...checkValues(group, fields)])
  if (problems.length > 0 || parser === null) return { problems, recipe: null }

  const body = toRecipe(draft, fields)
  try {
    const parsed = parser.parseRecipe(body)
    const [text, key, outputs] = [parser.printText(parsed), createRecipeKey(parsed), outputNames(parsed)]
    return { problems, recipe: { parsed, body, json: JSON.stringify(body, null, 2), text, key, outputs } }
  } catch (thrown) {
    const fault = Fault.of(thrown)
    return { problems: [locateProblem(draft, fault.hints.field ?? '', describeFault(fault))], recipe: null }
  }
}

/** Canonical form with all defaults, to compare recipes. */
export function createRecipeKey(recipe: Recipe): string {
  return JSON.stringify(recipe)
}

/** What is wrong and what to do. */
export function describeFault({ message, hints }: Fault): string {
  return hints.remedy === undefined ? message : `${message} ${hints.remedy}`
}

function checkName(draft: Draft, group: StepGroup): RecipeProblem[] {
  if (group.output === null) return []
  if (!outputNamePattern.test(group.output)) {
    return [
      {
        message: 'Invalid output name. Use a-z, 0-9, _ and -, beginning with a letter or digit.',
        group: group.key,
      },
    ]
  }
  const isTaken = draft.some((other) => other.key !== group.key && other.output === group.output)
  return isTaken
    ? [{ message: 'Another output has this name. Choose a different name.', group: group.key }]
    : []
}

function checkValues(group: StepGroup, fields: (op: string) => readonly Field[]): RecipeProblem[] {
  return group.steps.flatMap((step) =>
    fields(step.op).flatMap((field): RecipeProblem[] => {
      const message = checkValue(field, step.values[field.name])
      return message === undefined
        ? []
        : [{ message, group: group.key, step: step.key, parameter: field.name }]
    }),
  )
}

/** A problem located by a fault's field such as `steps[1].sigma`, if the draft has such a place. */
export function locateProblem(draft: Draft, field: string, message: string): RecipeProblem {
  const { group, step, parameter } = locateField(draft, field) ?? {}
  return {
    message,
    ...(group === undefined ? {} : { group }),
    ...(step === undefined ? {} : { step }),
    ...(parameter === undefined ? {} : { parameter }),
  }
}
