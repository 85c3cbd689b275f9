import { Fault } from '@pixelflow/core/fault'
import { outputNames, parseRecipe, type Recipe } from '@pixelflow/core/recipe/recipe'
import { printText } from '@pixelflow/core/recipe/text'
import { outputName } from '@pixelflow/core/task'
import { problemOf } from './check.ts'
import { placeOf, recipeOf } from './convert.ts'
import type { Draft, Lane } from './draft.ts'
import type { Field } from './field.ts'

/** A problem in a draft; `lane`, `step` and `parameter` locate it as far as possible. */
export interface RecipeProblem {
  readonly message: string
  readonly lane?: number
  readonly step?: number
  readonly parameter?: string
}

/** A valid recipe. */
export interface Runnable {
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

export interface Checked {
  readonly problems: readonly RecipeProblem[]
  readonly runnable: Runnable | null
}

/**
 * Checks every value against the published schema of its field, so that all invalid ones are shown at once; then parses
 * the whole recipe with the server's own parser, which also checks rules across fields.
 */
export function checkDraft(draft: Draft, fields: (op: string) => readonly Field[]): Checked {
  const problems = draft.flatMap((lane) => [...nameProblems(draft, lane), ...valueProblems(lane, fields)])
  if (problems.length > 0) return { problems, runnable: null }

  const body = recipeOf(draft, fields)
  try {
    const recipe = parseRecipe(body)
    const [text, key, outputs] = [printText(recipe), keyOf(recipe), outputNames(recipe)]
    return { problems, runnable: { body, json: JSON.stringify(body, null, 2), text, key, outputs } }
  } catch (thrown) {
    const { message, hints } = Fault.of(thrown)
    const words = [message, hints.remedy].filter((part) => part !== undefined).join(' ')
    return { problems: [problemAt(draft, hints.field ?? '', words)], runnable: null }
  }
}

/** Canonical form with all defaults, to compare recipes. */
export function keyOf(recipe: Recipe): string {
  return JSON.stringify(recipe)
}

function nameProblems(draft: Draft, lane: Lane): RecipeProblem[] {
  if (lane.output === null) return []
  if (!outputName.safeParse(lane.output).success) {
    return [{ message: 'Use a-z, 0-9, _ and -, beginning with a letter or digit.', lane: lane.key }]
  }
  const isTaken = draft.some((other) => other.key !== lane.key && other.output === lane.output)
  return isTaken ? [{ message: 'Another output has this name.', lane: lane.key }] : []
}

function valueProblems(lane: Lane, fields: (op: string) => readonly Field[]): RecipeProblem[] {
  return lane.steps.flatMap((step) =>
    fields(step.op).flatMap((field): RecipeProblem[] => {
      const message = problemOf(field, step.values[field.name])
      return message === undefined ? [] : [{ message, lane: lane.key, step: step.key, parameter: field.name }]
    }),
  )
}

/** A problem located by a fault's field such as `steps[1].sigma`, if the draft has such a place. */
export function problemAt(draft: Draft, field: string, message: string): RecipeProblem {
  const { lane, step, parameter } = placeOf(draft, field) ?? {}
  return {
    message,
    ...(lane === undefined ? {} : { lane }),
    ...(step === undefined ? {} : { step }),
    ...(parameter === undefined ? {} : { parameter }),
  }
}
