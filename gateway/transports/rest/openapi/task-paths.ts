import { format, formats, writableFormatIds } from '@pixelflow/core/format'
import { defaultLane, lanes } from '@pixelflow/core/job'
import { z } from 'zod'
import { listQuery } from '../tasks.ts'
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
  refusals,
} from './answers.ts'
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
    '202': json('The task is accepted.', 'Task', queuedExample, location),
    ...refusals(
      'invalid_request',
      'invalid_recipe',
      'truncated_upload',
      'image_not_found',
      'image_too_large',
      'unsupported_format',
      'too_many_pixels',
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
  parameters: listParameters(),
  responses: {
    '200': json('A page of tasks.', 'TaskPage', { items: [completedExample], next: null }),
    ...refusals('invalid_request'),
  },
}

const watching = {
  tags,
  operationId: 'watchTask',
  summary: 'The life of a task, as server-sent events',
  description:
    'Each event is named after its kind; its data is an Event, its id a resume token. Begins with the first event, or behind the token in `Last-Event-ID`; ends after the final one. A quiet stream sends events named `heartbeat`.',
  parameters: [
    id,
    header('Last-Event-ID', 'Resume token: the id of the last event seen.'),
    {
      name: 'after',
      in: 'query',
      description: 'The same, for clients that cannot set headers.',
      schema: { type: 'string' },
    },
  ],
  responses: {
    '200': {
      description: 'The events.',
      content: {
        'text/event-stream': {
          schema: { type: 'string' },
          example: `event: completed\nid: 2x\ndata: ${JSON.stringify(eventExample)}\n\n`,
        },
      },
    },
    '204': { description: 'Nothing will follow the event named: it was the final one.' },
    ...refusals('invalid_request', 'task_not_found'),
  },
}

const processing = {
  tags,
  operationId: 'processImage',
  summary: 'Image in, image out',
  description:
    'Answers with the finished picture itself. The image comes as the body, with the recipe in the query, or both come in a form. A small image is not stored anywhere; one that is too large for that is processed as a task, which then stands in `Content-Location`. Whoever leaves ends the work. With `Prefer: respond-async` the answer is a task, as that of `POST /api/v1/tasks` with a form; only then an `Idempotency-Key` counts.',
  parameters: [
    {
      name: 'recipe',
      in: 'query',
      description: 'What to do, in text form or JSON; not together with a part `recipe`.',
      schema: { type: 'string' },
      example: recipeText,
    },
    {
      name: 'output',
      in: 'query',
      description: 'Which output is wanted, of a recipe that makes several.',
      schema: { type: 'string' },
    },
    {
      name: 'lane',
      in: 'query',
      description: `Of the task, so only with \`Prefer: respond-async\`. ${laneText}`,
      schema: laneSchema,
    },
    download,
    header('Prefer', '`respond-async` for a task instead of the picture.'),
    idempotencyKey,
  ],
  requestBody: {
    required: true,
    content: {
      ...Object.fromEntries(
        [...formats.map((one) => one.mediaType), 'application/octet-stream'].map((type) => [
          type,
          { schema: { type: 'string', format: 'binary' } },
        ]),
      ),
      'multipart/form-data': {
        schema: {
          type: 'object',
          properties: {
            file: { type: 'string', format: 'binary' },
            recipe: { type: 'string', description: 'Text form or JSON.', examples: [recipeText] },
          },
          required: ['file'],
        },
      },
    },
  },
  responses: {
    '200': {
      description: 'The finished picture.',
      headers: {
        ETag: { description: 'SHA-256 of the bytes, quoted.', schema: { type: 'string' } },
        'Content-Length': { schema: { type: 'integer' } },
        'Content-Disposition': { schema: { type: 'string' } },
        'Content-Location': {
          description: 'Path of the same bytes, where a task has made them.',
          schema: { type: 'string' },
        },
        'Server-Timing': {
          description: 'Milliseconds that receiving and processing took.',
          schema: { type: 'string' },
        },
      },
      content: Object.fromEntries(
        writableFormatIds.map((one) => [
          format(one).mediaType,
          { schema: { type: 'string', format: 'binary' } },
        ]),
      ),
    },
    '202': json('The task is accepted.', 'Task', queuedExample, location),
    ...refusals(
      'invalid_request',
      'invalid_recipe',
      'truncated_upload',
      'image_too_large',
      'unsupported_format',
      'too_many_pixels',
      'corrupt_image',
      'processing_failed',
      'out_of_bounds',
      'actor_lost',
      'queue_full',
      'storage_failed',
      'deadline_exceeded',
      ...keyRefusals,
    ),
  },
}

export const taskPaths: Json = {
  '/api/v1/process': { post: processing },
  '/api/v1/tasks': { post: creating, get: listing },
  '/api/v1/tasks/{id}': {
    parameters: [id],
    get: {
      tags,
      operationId: 'getTask',
      summary: 'A task as it is now',
      responses: { '200': json('The task.', 'Task', completedExample), ...refusals('task_not_found') },
    },
    delete: {
      tags,
      operationId: 'deleteTask',
      summary: 'Delete a task and its outputs',
      description: 'A task that has not ended is cancelled first.',
      responses: { '204': { description: 'It is gone.' }, ...refusals('task_not_found') },
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
        '200': json('The task is cancelled.', 'Task', { ...queuedExample, status: 'cancelled' }),
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
          location,
        ),
        ...refusals('task_not_found', 'image_not_found', 'task_active', 'queue_full', ...keyRefusals),
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
