import { createTaskBody } from '@pixelflow/core/create-task-body'
import { defaultLane, lanes } from '@pixelflow/core/job'
import { problem } from '@pixelflow/core/problem'
import {
  actorsView,
  actorView,
  eventView,
  imageView,
  deadLetterPageView,
  deadLetterView,
  outputView,
  taskPageView,
  taskView,
} from '@pixelflow/core/views'
import { eventKinds } from '@pixelflow/core/event'
import { describeOperations } from '@pixelflow/core/operations/index'
import { recipe } from '@pixelflow/core/recipe/recipe'
import { z } from 'zod'
import { settingsView } from '../catalogue-routes.ts'
import { healthView } from '../../shared/health-view.ts'
import { recipeText } from './examples.ts'

export type Json = Record<string, unknown>

const named = {
  Image: imageView,
  Output: outputView,
  Recipe: recipe,
  Task: taskView,
  TaskPage: taskPageView,
  Event: eventView,
  Actor: actorView,
  Actors: actorsView,
  DeadLetter: deadLetterView,
  DeadLetterPage: deadLetterPageView,
  Problem: problem,
  Settings: settingsView,
  Health: healthView,
}

export type SchemaName =
  | keyof typeof named
  | 'CreateTask'
  | 'RecipeInput'
  | 'Operations'
  | 'Status'
  | 'ServerSentEvent'

export function ref(name: SchemaName): Json {
  return { $ref: `#/components/schemas/${name}` }
}

/** Every body of the API, from the schemas that the code validates with. */
export function componentSchemas(): Record<SchemaName, Json> {
  const registry = z.registry<{ id: string }>()
  for (const [id, schema] of Object.entries(named)) registry.add(schema, { id })
  const { schemas } = z.toJSONSchema(registry, { uri: (id) => `#/components/schemas/${id}` })
  const plain = Object.fromEntries(
    Object.entries(schemas).map(([id, schema]) => [id, withoutMeta(schema as Json)]),
  )
  return {
    ...(plain as Record<keyof typeof named, Json>),
    RecipeInput: withoutMeta(describeOperations().recipe as Json),
    CreateTask: createTask(),
    Operations: operationsSchema,
    ServerSentEvent: serverSentEventSchema,
    Status: { type: 'object', properties: { status: { type: 'string' } }, required: ['status'] },
  }
}

function createTask(): Json {
  const schema = withoutMeta(z.toJSONSchema(createTaskBody, { io: 'input' }) as Json)
  const recipeInput = {
    description: 'The recipe as JSON, or its text form such as `resize:800/format:webp`.',
    anyOf: [{ type: 'string' }, ref('RecipeInput')],
  }
  const properties = schema['properties'] as Record<string, Json>
  const lane = { ...properties['lane'], description: laneDescription }
  return { ...schema, properties: { ...properties, recipe: recipeInput, lane } }
}

/** The schema of a form with an image and a recipe. */
export function imageForm(required: readonly string[], more: Record<string, Json> = {}): Json {
  const file = { type: 'string', format: 'binary' }
  const recipe = { type: 'string', description: 'Text form or JSON.', examples: [recipeText] }
  return { type: 'object', properties: { file, recipe, ...more }, required }
}

export const laneSchema = { type: 'string', enum: [...lanes], default: defaultLane }

/** Describes the parameter `lane`. */
export const laneDescription =
  'Priority of the task: `interactive` if a user waits for it, `bulk` for one of many. Further interactive tasks of an ' +
  'account with many active ones are queued as bulk; the `lane` of the task shows this.'

/**
 * One event of a stream, as an object with the fields of a server-sent event. OpenAPI 3.1 does not define the schema of
 * `text/event-stream`; tools apply it to each event. Use `itemSchema` once the tools support OpenAPI 3.2.
 */
const serverSentEventSchema: Json = {
  description: 'One event of the stream.',
  oneOf: [
    {
      title: 'Task event',
      type: 'object',
      properties: {
        event: { type: 'string', enum: [...eventKinds], description: 'The kind of the event.' },
        id: { type: 'string', description: 'Resume token, for `Last-Event-ID`.' },
        data: {
          type: 'string',
          description: 'An Event as JSON in one line.',
          contentMediaType: 'application/json',
          contentSchema: ref('Event'),
        },
      },
      required: ['event', 'id', 'data'],
    },
    {
      title: 'Heartbeat',
      type: 'object',
      properties: {
        event: { type: 'string', const: 'heartbeat' },
        retry: {
          type: 'integer',
          description: 'Reconnection time in milliseconds; in the first event only.',
        },
        data: { type: 'string', const: '{}' },
      },
      required: ['event', 'data'],
    },
  ],
}

const operationsSchema: Json = {
  type: 'object',
  description: 'Every operation with the JSON Schema of its parameters, and the schema of a recipe.',
  properties: {
    operations: {
      type: 'array',
      items: {
        type: 'object',
        properties: {
          name: { type: 'string' },
          title: { type: 'string' },
          summary: { type: 'string' },
          place: { type: 'string' },
          schema: { type: 'object', description: 'JSON Schema of a step.' },
          text: {
            type: 'object',
            description: 'The operation in the short text form.',
            properties: {
              usage: { type: 'string', description: 'The form with its parameters.' },
              positional: {
                type: 'array',
                items: { type: 'string' },
                description: 'Parameters whose values can be written without a name, in order.',
              },
            },
            required: ['usage', 'positional'],
          },
          examples: {
            type: 'array',
            items: { type: 'object', properties: { text: { type: 'string' }, recipe: ref('Recipe') } },
          },
        },
        required: ['name', 'title', 'summary', 'place', 'schema', 'text', 'examples'],
      },
    },
    recipe: { type: 'object', description: 'JSON Schema of a recipe.' },
  },
  required: ['operations', 'recipe'],
}

/** Removes the dialect and the id: OpenAPI defines the dialect, and the key in `components` is the name. */
function withoutMeta(schema: Json): Json {
  return Object.fromEntries(Object.entries(schema).filter(([key]) => !['$schema', '$id', 'id'].includes(key)))
}
