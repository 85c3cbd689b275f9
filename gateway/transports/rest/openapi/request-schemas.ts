import { createTaskBody } from '@pixelflow/core/create-task-body'
import { defaultLane } from '@pixelflow/core/job'
import { recipeText } from './examples.ts'
import { ref, type Json } from './ref.ts'
import { toComponentSchemas } from './to-component-schemas.ts'

/** Has no default: a generated client sends a default, and `lane` is refused where no task is created. */
export const laneSchema = ref('Lane')

/** Describes the parameter `lane`. */
export const laneDescription =
  'Priority of the task: `interactive` if a user waits for it, `bulk` for one of many. Further interactive tasks of an ' +
  'account with many active ones are queued as bulk; the `lane` of the task shows this.'

const lane = { ...laneSchema, description: `${laneDescription} Default: \`${defaultLane}\`.` }
const file = { type: 'string', format: 'binary' }

/** The schema of a form with an image and a recipe. */
export function imageForm(required: readonly string[], more: Record<string, Json> = {}): Json {
  const recipe = { type: 'string', description: 'Text form or JSON.', examples: [recipeText] }
  return { type: 'object', properties: { file, recipe, ...more }, required }
}

/** Request bodies other than files. Recipes are in `step-schemas.ts`. */
export function requestSchemas() {
  return {
    CreateTask: createTask(),
    CreateTaskForm: imageForm(['file', 'recipe'], { lane }),
    ProcessImageForm: imageForm(['file']),
    UploadImageForm: { type: 'object', properties: { file }, required: ['file'] },
  }
}

function createTask(): Json {
  const { CreateTask: schema } = toComponentSchemas({ CreateTask: createTaskBody }, 'input')
  const recipe = {
    description: 'The recipe as JSON, or its text form such as `resize:800/format:webp`.',
    anyOf: [{ type: 'string' }, ref('RecipeInput')],
  }
  return { ...schema, properties: { ...(schema['properties'] as Json), recipe, lane } }
}
