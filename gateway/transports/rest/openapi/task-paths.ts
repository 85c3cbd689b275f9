import { format, writableFormatIds } from '@pixelflow/core/format'
import { defaultLane, lanes } from '@pixelflow/core/job'
import { z } from 'zod'
import { listQuery } from '../task-routes.ts'
import {
  bytes,
  conditions,
  download,
  header,
  idempotencyKey,
  json,
  keyRefusals,
  location,
  pathId,
  positionParameter,
  positionHeaders,
  refusals,
} from './responses.ts'
import {
  completedExample,
  eventExample,
  exampleIds,
  imageExample,
  queuedExample,
  recipeText,
} from './examples.ts'
import { laneText, ref, type Json } from './schemas.ts'

const id = pathId('id', 'Id of a task.', exampleIds.task)
const tags = ['tasks']
/** Opaque to clients; empty is none. */
const resumeToken = '^[0-9a-z]{0,11}$'
const laneSchema = { type: 'string', enum: [...lanes], default: defaultLane }

const queryHelp: Record<string, string> = {
  status: 'Only tasks of this status.',
  limit: 'At most so many.',
  cursor: 'The `next` of the page before.',
}

/** From the very schema that the call is checked with. */
function listParameters(): Json[] {
  const { properties } = z.toJSONSchema(listQuery, { io: 'input' }) as { properties: Record<string, Json> }
  return Object.entries(properties).map(([name, schema]) => {
    const shown = name === 'limit' ? { type: 'integer', minimum: 1, maximum: 200, default: 50 } : schema
    return { name, in: 'query', description: queryHelp[name], schema: shown }
  })
}

const creating = {
  tags,
  operationId: 'createTask',
  summary: 'Have an image processed',
  description:
    'Names an uploaded image and a recipe, or brings the image along in a form. The answer comes at once; watch the events of the task for its progress.',
  parameters: [idempotencyKey],
  requestBody: {
    required: true,
    content: {
      'application/json': {
        schema: ref('CreateTask'),
        example: { image: imageExample.id, recipe: recipeText },
      },
      'multipart/form-data': {
        schema: {
          type: 'object',
          properties: {
            file: { type: 'string', format: 'binary' },
            recipe: { type: 'string', description: 'Text form or JSON.', examples: [recipeText] },
            lane: { ...laneSchema, description: laneText },
          },
          required: ['file', 'recipe'],
        },
      },
    },
  },
  responses: {
    '202': json('The task is accepted.', 'Task', queuedExample, { ...location, ...positionHeaders }),
    ...refusals(
      'invalid_recipe',
      'truncated_upload',
      'image_not_found',
      'image_too_large',
      'unsupported_format',
      'too_many_pixels',
      'too_many_tasks',
      'queue_full',
      'storage_failed',
      ...keyRefusals,
    ),
  },
}

const listing = {
  tags,
  operationId: 'listTasks',
  summary: 'Own tasks, newest first',
  parameters: [...listParameters(), positionParameter],
  responses: {
    '200': json('A page of tasks.', 'TaskPage', { items: [completedExample], next: null }),
    ...refusals(),
  },
}

const watching = {
  tags,
  operationId: 'watchTask',
  summary: 'The life of a task, as server-sent events',
  description:
    'Each event is named after its kind; its data is an Event, its id a resume token. Begins with the first event, or behind the token in `Last-Event-ID`; ends after the final one. A quiet stream sends events named `heartbeat`, which have no id and the data `{}`.',
  parameters: [
    id,
    header('Last-Event-ID', 'Resume token: the id of the last event seen.', resumeToken),
    {
      name: 'lastEventId',
      in: 'query',
      description: 'The same, for clients that cannot set headers. The header wins.',
      schema: { type: 'string', pattern: resumeToken },
    },
    {
      name: 'after',
      in: 'query',
      description: 'The same again; `lastEventId` and the header win.',
      schema: { type: 'string', pattern: resumeToken },
    },
  ],
  responses: {
    '200': {
      description: 'The events.',
      content: {
        'text/event-stream': {
          schema: ref('ServerSentEvent'),
          example: `retry: 1000\nevent: heartbeat\ndata: {}\n\nevent: completed\nid: 2x\ndata: ${JSON.stringify(eventExample)}\n\n`,
        },
      },
    },
    '204': { description: 'Nothing will follow the event named: it was the final one.' },
    ...refusals('task_not_found'),
  },
}

export const taskPaths: Json = {
  '/api/v1/tasks': { post: creating, get: listing },
  '/api/v1/tasks/{id}': {
    parameters: [id],
    get: {
      tags,
      operationId: 'getTask',
      summary: 'A task as it is now',
      parameters: [positionParameter],
      responses: {
        '200': json('The task.', 'Task', completedExample),
        ...refusals('task_not_found'),
      },
    },
    delete: {
      tags,
      operationId: 'deleteTask',
      summary: 'Delete a task and its outputs',
      description: 'A task that has not ended is cancelled first.',
      responses: {
        '204': { description: 'It is gone.', headers: positionHeaders },
        ...refusals('task_not_found'),
      },
    },
  },
  '/api/v1/tasks/{id}/cancel': {
    parameters: [id],
    post: {
      tags,
      operationId: 'cancelTask',
      summary: 'Cancel a task',
      description: 'Cancelling twice is as good as once.',
      responses: {
        '200': json(
          'The task is cancelled.',
          'Task',
          { ...queuedExample, status: 'cancelled' },
          positionHeaders,
        ),
        ...refusals('task_not_found', 'task_ended'),
      },
    },
  },
  '/api/v1/tasks/{id}/retry': {
    parameters: [id],
    post: {
      tags,
      parameters: [idempotencyKey],
      operationId: 'retryTask',
      summary: 'Do the work of an ended task once more',
      description:
        'Makes a new task of the same image, recipe and lane, which names the old one in `retryOf`. The old one stays as it is.',
      responses: {
        '202': json(
          'The new task is accepted.',
          'Task',
          { ...queuedExample, retryOf: exampleIds.task },
          { ...location, ...positionHeaders },
        ),
        ...refusals(
          'task_not_found',
          'image_not_found',
          'task_active',
          'too_many_tasks',
          'queue_full',
          ...keyRefusals,
        ),
      },
    },
  },
  '/api/v1/tasks/{id}/events': { get: watching },
  '/api/v1/tasks/{id}/outputs/{name}': {
    parameters: [id, pathId('name', 'Name of an output.', 'default'), download, ...conditions],
    get: {
      tags,
      operationId: 'readOutput',
      summary: 'The bytes of a finished output',
      responses: outputBytes(
        'The file.',
        writableFormatIds.map((one) => format(one).mediaType),
      ),
    },
    head: {
      tags,
      operationId: 'measureOutput',
      summary: 'The same without the bytes',
      responses: outputBytes('Length, type and tag.', []),
    },
  },
}

function outputBytes(what: string, mediaTypes: readonly string[]): Json {
  const { '404': _, ...rest } = bytes(what, 'output_not_found', mediaTypes)
  return { ...rest, ...pick(refusals('task_not_found', 'output_not_found'), '404') }
}

function pick(all: Json, key: string): Json {
  return { [key]: all[key] }
}
