import {
  actorsView,
  actorView,
  createTaskBody,
  eventView,
  imageView,
  deadLetterPageView,
  deadLetterView,
  outputView,
  problem,
  taskPageView,
  taskView,
} from '@pixelflow/core/api'
import { kinds } from '@pixelflow/core/event'
import { describeOperations } from '@pixelflow/core/operations/index'
import { recipe } from '@pixelflow/core/recipe/recipe'
import { z } from 'zod'
import { settingsView } from '../catalogue-routes.ts'
import { healthView } from '../../shared/health-view.ts'

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

/** Every body of the interface, from the very schemas that the code checks with. */
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
    description: 'The recipe itself, or its short text form such as `resize:800/format:webp`.',
    anyOf: [{ type: 'string' }, ref('RecipeInput')],
  }
  const properties = schema['properties'] as Record<string, Json>
  const lane = { ...properties['lane'], description: laneText }
  return { ...schema, properties: { ...properties, recipe: recipeInput, lane } }
}

/** What a lane means to whoever asks for one. */
export const laneText =
  'Whom the task waits with: `interactive` for somebody who waits for it, `bulk` for one of many. Of an account that has ' +
  'many interactive tasks under way, further ones wait in bulk; the task says so.'

/**
 * One event of a stream, as an object of the fields of a server-sent event. OpenAPI 3.1 has no rule for
 * `text/event-stream`; that its schema is that of each event is what tools take it for, and 3.2 has `itemSchema` for it.
 */
const serverSentEventSchema: Json = {
  description: 'One event of the stream. The answer is a sequence of them.',
  oneOf: [
    {
      title: 'An event of the task',
      type: 'object',
      properties: {
        event: { type: 'string', enum: [...kinds], description: 'The kind of the event.' },
        id: { type: 'string', description: 'Resume token, for `Last-Event-ID`.' },
        data: {
          type: 'string',
          description: 'An Event as JSON, in one line.',
          contentMediaType: 'application/json',
          contentSchema: ref('Event'),
        },
      },
      required: ['event', 'id', 'data'],
    },
    {
      title: 'A sign of life',
      type: 'object',
      properties: {
        event: { type: 'string', const: 'heartbeat' },
        retry: { type: 'integer', description: 'Milliseconds until a client reconnects; in the first only.' },
        data: { type: 'string', const: '{}' },
      },
      required: ['event', 'data'],
    },
  ],
}

const operationsSchema: Json = {
  type: 'object',
  description: 'Every operation with the JSON Schema of its parameters, and the schema of a whole recipe.',
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
          text: { type: 'object', properties: { usage: { type: 'string' } } },
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

/** The dialect is OpenAPI's own, and a schema's name is its place. */
function withoutMeta(schema: Json): Json {
  return Object.fromEntries(Object.entries(schema).filter(([key]) => !['$schema', '$id', 'id'].includes(key)))
}
