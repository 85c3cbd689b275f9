import { z } from 'zod'
import { component } from './component.ts'
import { id } from './image.ts'
import { defaultLane, lane } from './job.ts'
import { accountId } from './principal.ts'
import { shorten } from './shorten.ts'
import { outputName } from './recipe/output-name.ts'
import { missingRecipe } from './recipe/missing-recipe.ts'
import { parseRecipe, type Recipe } from './recipe/recipe.ts'
import { status } from './task.ts'

/**
 * Inputs of calls, the same for every transport. A transport validates what it has received with the schema of the call.
 * Descriptions and examples are those of the published contract.
 */

/** A call without an input. */
export const noInput = z.strictObject({})

const exampleTask = '019aa6f2-51b0-7c44-8a02-6be90d17f35c'

/** An id as the caller sends it. A text of another form is accepted, and names no resource. */
const imageId = z.string().meta({
  description: 'Id of an image.',
  format: 'image-id',
  examples: ['019aa6f2-4c1e-7d3a-9b57-2f1d8c60e4a1'],
})
const taskId = z.string().meta({ description: 'Id of a task.', format: 'task-id', examples: [exampleTask] })
const deadLetterId = z.string().meta({
  description: 'Id of a dead letter.',
  format: 'dead-letter-id',
  examples: [`transform.ann.${exampleTask}`],
})

/** A resource, by its id. */
export const imageRef = z.strictObject({ id: imageId })
export const taskRef = z.strictObject({ id: taskId })
export const deadLetterRef = z.strictObject({ id: deadLetterId })

/** An operation, by its name. */
export const operationRef = z.strictObject({
  name: z.string().meta({ description: 'Name of an operation.', examples: ['resize'] }),
})

const page = {
  limit: z.int().min(1).max(200).default(50).meta({ description: 'Maximum number of items.' }),
  cursor: z.string().optional().meta({ description: 'The `next` of the previous page.', minLength: 1 }),
}

export const listTasksInput = z.strictObject({
  status: status.optional().meta({ description: 'Only tasks with this status.' }),
  ...page,
})

export const listDeadLettersInput = z.strictObject({
  account: accountId.optional().meta({ description: 'Only dead letters of this account.' }),
  ...page,
})

/** Describes the priority that a caller asks for. */
export const laneDescription =
  'Priority of the task: `interactive` if a user waits for it, `bulk` for one of many. Further interactive tasks of an ' +
  'account with many active ones are queued as bulk; the `lane` of the task shows this.'

/** The priority that a caller asks for. */
const laneInput = lane.default(defaultLane).meta({ description: laneDescription })

/** A recipe as the caller sends it: the short text form or an object. Its own parser checks it, because its faults name the step. */
const recipeInput = z
  .unknown()
  .meta({ anyOf: [{ type: 'string' }, { type: 'object', additionalProperties: {} }] })
  .transform((value, context): Recipe => {
    // A value that JSON lacks.
    if (typeof value === 'symbol') throw missingRecipe()
    if (typeof value === 'string' || (typeof value === 'object' && value !== null && !Array.isArray(value)))
      return parseRecipe(value)
    context.addIssue({ code: 'invalid_type', expected: 'object', input: value })
    return z.NEVER
  })

export const createTaskInput = z.strictObject({ image: id, recipe: recipeInput, lane: laneInput })

const download = component('DownloadFlag', z.enum(['1']))
  .optional()
  .meta({ description: '`1` to send the content as an attachment.' })

export const imageContentInput = imageRef.extend({ download })
export const outputContentInput = taskRef.extend({
  name: z.string().meta({ description: 'Name of an output.', examples: ['default'] }),
  download,
})

/** A resume token, or none. */
export const resumeTokenPattern = /^([0-9a-z]{1,11}(\.[0-9]{1,2})?)?$/

/** Opaque to clients. Empty means no token. */
const resumeToken = (description: string) =>
  z
    .string()
    .refine((token) => resumeTokenPattern.test(token), {
      error: ({ input }) => `Invalid resume token "${shorten(String(input))}"`,
      params: {
        remedy: 'Send the token of the last event seen of this task, or none to begin with its first event.',
      },
    })
    .optional()
    .meta({ description, pattern: resumeTokenPattern.source })

export const watchTaskInput = taskRef.extend({
  lastEventId: resumeToken('The same, for clients that cannot set headers. The header takes precedence.'),
  after: resumeToken('The same; `lastEventId` and the header take precedence.'),
})

/** Query of `POST /api/v1/process`. */
export const processImageInput = z.strictObject({
  recipe: z
    .string()
    .optional()
    .meta({
      description: 'The recipe, in text form or JSON. Not together with a part `recipe`.',
      examples: ['resize:800/blur:2/format:webp'],
    }),
  output: outputName
    .optional()
    .meta({ description: 'The output to return, for a recipe with several outputs.' }),
  // Without a default in the contract: generated clients send defaults, and this call refuses `lane` unless it creates a task.
  lane: lane.optional().meta({
    description: `Lane of the task, only with \`Prefer: respond-async\`. ${laneDescription}`,
  }),
  download,
})
