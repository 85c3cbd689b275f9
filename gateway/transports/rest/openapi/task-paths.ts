import { formatOf, writableFormatIds } from '@pixelflow/core/format'
import { z } from 'zod'
import { listQuery } from '../task-routes.ts'
import {
  acceptedTask,
  contentResponses,
  conditionalHeaders,
  downloadParameter,
  headerParameter,
  idempotencyKeyHeader,
  jsonResponse,
  idempotencyFaults,
  locationHeader,
  pathParameter,
  positionParameter,
  positionHeaders,
  problemResponses,
  uploadFaults,
} from './responses.ts'
import {
  completedExample,
  eventExample,
  exampleIds,
  imageExample,
  queuedExample,
  recipeText,
} from './examples.ts'
import { imageForm, laneDescription, laneSchema, ref, type Json } from './schemas.ts'

const id = pathParameter('id', 'Id of a task.', exampleIds.task)
const tags = ['tasks']
/** Opaque to clients. Empty means no token. */
const resumeToken = '^[0-9a-z]{0,11}$'

const queryHelp: Record<string, string> = {
  status: 'Only tasks with this status.',
  limit: 'Maximum number of items.',
  cursor: 'The `next` of the previous page.',
}

/** Derived from the schema that validates the query. */
function listParameters(): Json[] {
  const { properties } = z.toJSONSchema(listQuery, { io: 'input' }) as { properties: Record<string, Json> }
  return Object.entries(properties).map(([name, schema]) => {
    const documented = name === 'limit' ? { type: 'integer', minimum: 1, maximum: 200, default: 50 } : schema
    return { name, in: 'query', description: queryHelp[name], schema: documented }
  })
}

const createTask = {
  tags,
  operationId: 'createTask',
  summary: 'Create a task',
  description:
    'Takes the id of an uploaded image and a recipe, or an image and a recipe in a form. The response is immediate; watch the events of the task for its progress.',
  parameters: [idempotencyKeyHeader],
  requestBody: {
    required: true,
    content: {
      'application/json': {
        schema: ref('CreateTask'),
        example: { image: imageExample.id, recipe: recipeText },
      },
      'multipart/form-data': {
        schema: imageForm(['file', 'recipe'], { lane: { ...laneSchema, description: laneDescription } }),
      },
    },
  },
  responses: {
    '202': acceptedTask,
    ...problemResponses(
      'invalid_recipe',
      'image_not_found',
      ...uploadFaults,
      'too_many_tasks',
      'queue_full',
      'storage_failed',
      ...idempotencyFaults,
    ),
  },
}

const listTasks = {
  tags,
  operationId: 'listTasks',
  summary: 'List own tasks, newest first',
  parameters: [...listParameters(), positionParameter],
  responses: {
    '200': jsonResponse('A page of tasks.', 'TaskPage', { items: [completedExample], next: null }),
    ...problemResponses(),
  },
}

const watchTask = {
  tags,
  operationId: 'watchTask',
  summary: 'Watch a task with server-sent events',
  description:
    'The name of each event is its kind, its data an Event, its id a resume token. The stream starts with the first event, or after the resume token in `Last-Event-ID`, and ends after the final event. An idle stream sends events named `heartbeat`, without an id and with the data `{}`.',
  parameters: [
    id,
    headerParameter(
      'Last-Event-ID',
      'Resume token: the id of the last event that the client received.',
      resumeToken,
    ),
    {
      name: 'lastEventId',
      in: 'query',
      description: 'The same, for clients that cannot set headers. The header takes precedence.',
      schema: { type: 'string', pattern: resumeToken },
    },
    {
      name: 'after',
      in: 'query',
      description: 'The same; `lastEventId` and the header take precedence.',
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
    '204': { description: 'No events follow: the resume token is that of the final event.' },
    ...problemResponses('task_not_found'),
  },
}

export const taskPaths: Json = {
  '/api/v1/tasks': { post: createTask, get: listTasks },
  '/api/v1/tasks/{id}': {
    parameters: [id],
    get: {
      tags,
      operationId: 'getTask',
      summary: 'Get a task',
      parameters: [positionParameter],
      responses: {
        '200': jsonResponse('The task.', 'Task', completedExample),
        ...problemResponses('task_not_found'),
      },
    },
    delete: {
      tags,
      operationId: 'deleteTask',
      summary: 'Delete a task and its outputs',
      description: 'An active task is cancelled first.',
      responses: {
        '204': { description: 'The task was deleted.', headers: positionHeaders },
        ...problemResponses('task_not_found'),
      },
    },
  },
  '/api/v1/tasks/{id}/cancel': {
    parameters: [id],
    post: {
      tags,
      operationId: 'cancelTask',
      summary: 'Cancel a task',
      description: 'Cancelling a cancelled task has no effect.',
      responses: {
        '200': jsonResponse(
          'The task is cancelled.',
          'Task',
          { ...queuedExample, status: 'cancelled' },
          positionHeaders,
        ),
        ...problemResponses('task_not_found', 'task_ended'),
      },
    },
  },
  '/api/v1/tasks/{id}/retry': {
    parameters: [id],
    post: {
      tags,
      parameters: [idempotencyKeyHeader],
      operationId: 'retryTask',
      summary: 'Retry an ended task as a new task',
      description:
        'Creates a task with the same image, recipe and lane. The new task has the old one in `retryOf`; the old one does not change.',
      responses: {
        '202': jsonResponse(
          'The new task is accepted.',
          'Task',
          { ...queuedExample, retryOf: exampleIds.task },
          { ...locationHeader, ...positionHeaders },
        ),
        ...problemResponses(
          'task_not_found',
          'image_not_found',
          'task_active',
          'too_many_tasks',
          'queue_full',
          ...idempotencyFaults,
        ),
      },
    },
  },
  '/api/v1/tasks/{id}/events': { get: watchTask },
  '/api/v1/tasks/{id}/outputs/{name}': {
    parameters: [
      id,
      pathParameter('name', 'Name of an output.', 'default'),
      downloadParameter,
      ...conditionalHeaders,
    ],
    get: {
      tags,
      operationId: 'getOutput',
      summary: 'Download an output',
      responses: outputBytes(
        'The file.',
        writableFormatIds.map((one) => formatOf(one).mediaType),
      ),
    },
    head: {
      tags,
      operationId: 'headOutput',
      summary: 'Get the headers of the download without the content',
      responses: outputBytes('Length, media type and ETag.', []),
    },
  },
}

function outputBytes(description: string, mediaTypes: readonly string[]): Json {
  const { '404': _, ...rest } = contentResponses(description, 'output_not_found', mediaTypes)
  return { ...rest, ...pick(problemResponses('task_not_found', 'output_not_found'), '404') }
}

function pick(all: Json, key: string): Json {
  return { [key]: all[key] }
}
