import { defaultLane } from '@pixelflow/core/job'
import { createTaskInput, laneDescription } from '@pixelflow/core/inputs'
import { recipeText } from '@pixelflow/gateway/calls/examples'
import { ref, type Json } from './ref.ts'
import { toComponentSchemas } from './to-component-schemas.ts'

const lane = { ...ref('Lane'), description: `${laneDescription} Default: \`${defaultLane}\`.` }
const file = { type: 'string', format: 'binary' }

/** The schema of a form with an image and a recipe. */
function imageForm(required: readonly string[], more: Record<string, Json> = {}): Json {
  const recipe = { type: 'string', description: 'Text form or JSON.', examples: [recipeText] }
  return { type: 'object', properties: { file, recipe, ...more }, required, additionalProperties: false }
}

/** Request bodies other than files. Recipes are in `step-schemas.ts`. */
export function requestSchemas() {
  return {
    CreateTask: createTask(),
    CreateTaskForm: imageForm(['file', 'recipe'], { lane }),
    ProcessImageForm: imageForm(['file']),
    UploadImageForm: {
      type: 'object',
      properties: { file },
      required: ['file'],
      additionalProperties: false,
    },
  }
}

function createTask(): Json {
  const { CreateTask: schema } = toComponentSchemas({ CreateTask: createTaskInput }, 'input')
  const recipe = {
    description: 'The recipe as JSON, or its text form such as `resize:800/format:webp`.',
    anyOf: [{ type: 'string' }, ref('RecipeInput')],
  }
  return { ...schema, properties: { ...(schema['properties'] as Json), recipe, lane } }
}
