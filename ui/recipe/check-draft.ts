import { Fault } from '@pixelflow/core/fault'
import { outputNames, parseRecipe, type Recipe } from '@pixelflow/core/recipe/recipe'
import { printText } from '@pixelflow/core/recipe/text'
import { outputName } from '@pixelflow/core/task'
import { problemOf } from './check.ts'
import { placeOf, recipeOf } from './convert.ts'
import type { Draft, Lane } from './draft.ts'
import type { Field } from './field.ts'

/** Something wrong in a draft; `lane`, `step` and `parameter` say where, as far as it has a place. */
export interface RecipeProblem {
  readonly message: string
  readonly lane?: number
  readonly step?: number
  readonly parameter?: string
}

/** A recipe that can be run. */
export interface Runnable {
  /** As it is sent. */
  readonly body: Record<string, unknown>
  /** As it is sent, for people to read. */
  readonly json: string
  /** Short text form; null where there is none, with several outputs. */
  readonly text: string | null
  /** The same for recipes that mean the same. */
  readonly key: string
  /** Names of the outputs it makes. */
  readonly outputs: readonly string[]
}

export interface Checked {
  readonly problems: readonly RecipeProblem[]
  readonly runnable: Runnable | null
}

/**
 * Checks every value against the published schema of its field, so that all wrong ones show at once; then the whole by
 * the same parser the server uses, which knows what no single field can tell.
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

/** What tells recipes apart: all defaults are in it. */
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

/** A problem at the place that a fault's field such as `steps[1].sigma` names, if it names one of this draft. */
export function problemAt(draft: Draft, field: string, message: string): RecipeProblem {
  const { lane, step, parameter } = placeOf(draft, field) ?? {}
  return {
    message,
    ...(lane === undefined ? {} : { lane }),
    ...(step === undefined ? {} : { step }),
    ...(parameter === undefined ? {} : { parameter }),
  }
}
