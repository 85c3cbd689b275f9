import { jsonResponse, pathParameter, positionHeaders, problemResponses } from './responses.ts'
import { exampleIds } from './examples.ts'
import { ref, type Json } from './schemas.ts'

const tags = ['admin']
const name = `transform.ann.${exampleIds.task}`
const id = pathParameter('id', 'Id of a dead letter.', name)

const example = {
  id: name,
  kind: 'transform',
  lane: 'interactive',
  account: 'ann',
  task: exampleIds.task,
  stage: 'main',
  fault: { code: 'storage_failed', detail: 'The store rejected a request.' },
  internalCause: 'Error: insufficient resources (10023)',
  attempts: 5,
  actor: 'worker-1.4711',
  createdAt: '2026-11-21T09:30:00.000Z',
}
const replayed = {
  ...example,
  replay: { task: '01936f2e-8a11-7abc-9def-0123456789ab', createdAt: '2026-11-21T09:45:00.000Z' },
}

export const adminPaths: Json = {
  '/api/v1/admin/dead': {
    get: {
      tags,
      operationId: 'listDeadLetters',
      summary: 'List dead letters, oldest first',
      description:
        'Dead letters of all accounts, with internal causes that the owners of the tasks do not see. Requires the scope `admin`.',
      parameters: [
        {
          name: 'account',
          in: 'query',
          description: 'Only dead letters of this account.',
          schema: { type: 'string', pattern: '^[a-z0-9_-]{1,64}$' },
        },
        {
          name: 'limit',
          in: 'query',
          description: 'Maximum number of items.',
          schema: { type: 'integer', minimum: 1, maximum: 200, default: 50 },
        },
        {
          name: 'cursor',
          in: 'query',
          description: 'The `next` of the previous page.',
          schema: { type: 'string' },
        },
      ],
      responses: {
        '200': jsonResponse('A page of dead letters.', 'DeadLetterPage', { items: [example], next: null }),
        ...problemResponses(),
      },
    },
  },
  '/api/v1/admin/dead/{id}': {
    parameters: [id],
    get: {
      tags,
      operationId: 'getDeadLetter',
      summary: 'Get a dead letter',
      responses: {
        '200': jsonResponse('The dead letter.', 'DeadLetter', example),
        ...problemResponses('not_found'),
      },
    },
    delete: {
      tags,
      operationId: 'deleteDeadLetter',
      summary: 'Delete a dead letter',
      description: 'The task does not change.',
      responses: { '204': { description: 'The dead letter was deleted.' }, ...problemResponses('not_found') },
    },
  },
  '/api/v1/admin/dead/{id}/replay': {
    parameters: [id],
    post: {
      tags,
      operationId: 'replayDeadLetter',
      summary: 'Replay a dead letter as a new task',
      description:
        'Creates a task with the same account, image and recipe. The new task has the old one in `retryOf`, and the dead letter has the new one in `replay`. Further replays return the same task, unless it was deleted.',
      responses: {
        '202': {
          description: 'The dead letter, with the new task in `replay`.',
          headers: positionHeaders,
          content: { 'application/json': { schema: ref('DeadLetter'), example: replayed } },
        },
        ...problemResponses(
          'not_found',
          'task_not_found',
          'image_not_found',
          'task_active',
          'precondition_failed',
          'too_many_tasks',
          'queue_full',
        ),
      },
    },
  },
}
