import { z } from 'zod'
import type { Operation, StepOf } from './operation.ts'
import { toJsonSchema, type JsonSchema } from '../validation/json-schema.ts'
import { listBranches } from './list-branches.ts'
import { outputName } from './output-name.ts'

/** Most steps of one output, including the steps shared by all outputs. */
export const maxSteps = 32
export const maxOutputs = 16

/** Shared steps, followed by the steps of each output. Without `outputs` there is one output, named `default`. */
export interface RecipeOf<S> {
  steps: S[]
  outputs?: Record<string, { steps: S[] }> | undefined
}

/** The operations that recipes may use, with the schemas derived from them. */
export interface Catalogue<Op extends Operation = Operation> {
  readonly operations: readonly Op[]
  readonly names: readonly string[]
  /** Schema of the canonical JSON form. Parsing fills in every default. */
  readonly recipe: z.ZodType<RecipeOf<StepOf<Op>>>
  /** Schema of the steps of one named output. */
  readonly recipeOutput: z.ZodType<{ steps: StepOf<Op>[] }>
  readonly step: z.ZodType<StepOf<Op>>
  get(name: string): Op | undefined
  /** JSON Schema (draft 2020-12) of one step, as input. */
  jsonSchema(name: string): JsonSchema
  /** Parameters of an operation in their order, without `op`. */
  parameters(name: string): Readonly<Record<string, JsonSchema>>
}

export function operationName(operation: Operation): string {
  return operation.schema.shape.op.value
}

export function createCatalogue<Op extends Operation>(operations: readonly Op[]): Catalogue<Op> {
  const byName = new Map(operations.map((operation) => [operationName(operation), operation]))

  const jsonSchema = (name: string): JsonSchema => {
    const operation = byName.get(name)
    return operation === undefined ? {} : toJsonSchema(operation.schema)
  }

  return {
    operations,
    names: [...byName.keys()],
    ...recipeSchemas(operations),
    get: (name) => byName.get(name),
    jsonSchema,
    parameters: (name) => {
      const { op: _, ...parameters } = jsonSchema(name).properties ?? {}
      return parameters
    },
  }
}

function recipeSchemas<Op extends Operation>(
  operations: readonly Op[],
): Pick<Catalogue<Op>, 'recipe' | 'recipeOutput' | 'step'> {
  type Step = StepOf<Op>
  const places = new Map(operations.map((operation) => [operationName(operation), operation.place]))
  const placeOf = (step: Step) => places.get(step.op)
  const step = z.discriminatedUnion(
    'op',
    operations.map((operation) => operation.schema) as unknown as [Op['schema'], ...Op['schema'][]],
  ) as unknown as z.ZodType<Step>
  const steps = z.array(step).max(maxSteps)
  const recipeOutput = z.strictObject({ steps })

  const recipe = z
    .strictObject({
      steps,
      outputs: z
        .record(outputName, recipeOutput)
        .refine((outputs) => Object.keys(outputs).length > 0, {
          error: 'the field outputs is empty',
          params: {
            remedy: 'Name at least one output, or remove outputs for a single output named default.',
          },
        })
        .refine((outputs) => Object.keys(outputs).length <= maxOutputs, {
          error: `a recipe can have at most ${maxOutputs} outputs`,
          params: { remedy: 'Split the recipe into several tasks.' },
        })
        .meta({ minProperties: 1, maxProperties: maxOutputs })
        .optional(),
    })
    .superRefine((recipe, context) => {
      for (const branch of listBranches(recipe)) {
        const problem = problemWith(branch.steps.map(({ step }) => placeOf(step)))
        if (problem === undefined) continue
        const { at, message, remedy } = problem
        context.addIssue({
          code: 'custom',
          path: [...(branch.steps[at]?.path ?? [])],
          message,
          params: { remedy },
        })
        return
      }
    })
  return { recipe, recipeOutput, step }
}

function problemWith(
  places: readonly (Operation['place'] | undefined)[],
): { at: number; message: string; remedy: string } | undefined {
  const last = places.length - 1
  const lateFirst = places.findIndex((place, i) => place === 'first' && i > 0)
  if (lateFirst !== -1) {
    return {
      at: lateFirst,
      message: 'this operation must be the first step',
      remedy: 'Move it to the beginning and use it only once.',
    }
  }
  const earlyLast = places.findIndex((place, i) => place === 'last' && i < last)
  if (earlyLast !== -1) {
    return {
      at: earlyLast,
      message: 'this operation must be the last step',
      remedy: 'Move it to the end and use it only once.',
    }
  }
  if (places.length > maxSteps) {
    return {
      at: maxSteps,
      message: `an output can have at most ${maxSteps} steps, including the shared ones`,
      remedy: 'Use fewer steps, or process the result in a second task.',
    }
  }
  return undefined
}
