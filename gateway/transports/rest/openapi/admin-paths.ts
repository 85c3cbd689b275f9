import { json, pathId, positionHeaders, refusals } from './responses.ts'
import { exampleIds } from './examples.ts'
import { ref, type Json } from './schemas.ts'

const tags = ['admin']
const name = `transform.ann.${exampleIds.task}`
const id = pathId('id', 'Id of a dead letter.', name)

const example = {
  id: name,
  kind: 'transform',
  lane: 'interactive',
  account: 'ann',
  task: exampleIds.task,
  stage: 'main',
  cause: {
    report: { code: 'storage_failed', detail: 'The store rejected a request.' },
    private: 'Error: insufficient resources (10023)',
  },
  attempts: 5,
  actor: 'worker-1.4711',
  at: '2026-11-21T09:30:00.000Z',
}
const replayed = {
  ...example,
  replay: { task: '01936f2e-8a11-7abc-9def-0123456789ab', at: '2026-11-21T09:45:00.000Z' },
}

export const adminPaths: Json = {
  '/api/v1/admin/dead': {
    get: {
      tags,
      operationId: 'listDeadLetters',
      summary: 'Work that was given up, oldest first',
      description: 'Of all accounts, with causes that their owners do not see. Wants the scope `admin`.',
      parameters: [
        {
          name: 'account',
          in: 'query',
          description: 'Only that of this account.',
          schema: { type: 'string', pattern: '^[a-z0-9_-]{1,64}$' },
        },
        {
          name: 'limit',
          in: 'query',
          description: 'At most so many.',
          schema: { type: 'integer', minimum: 1, maximum: 200, default: 50 },
        },
        {
          name: 'cursor',
          in: 'query',
          description: 'The `next` of the page before.',
          schema: { type: 'string' },
        },
      ],
      responses: {
        '200': json('A page of letters.', 'DeadLetterPage', { items: [example], next: null }),
        ...refusals(),
      },
    },
  },
  '/api/v1/admin/dead/{id}': {
    parameters: [id],
    get: {
      tags,
      operationId: 'getDeadLetter',
      summary: 'One of them',
      responses: { '200': json('The letter.', 'DeadLetter', example), ...refusals('not_found') },
    },
    delete: {
      tags,
      operationId: 'dropDeadLetter',
      summary: 'Forget it',
      description: 'The task stays as it is.',
      responses: { '204': { description: 'It is gone.' }, ...refusals('not_found') },
    },
  },
  '/api/v1/admin/dead/{id}/replay': {
    parameters: [id],
    post: {
      tags,
      operationId: 'replayDeadLetter',
      summary: 'Have its work done once more',
      description:
        'Makes a task of the same account, image and recipe, which names the old one in `retryOf`, and notes it in the letter. Replaying again answers with the same task, unless that was deleted.',
      responses: {
        '202': {
          description: 'The letter, with the new task in `replay`.',
          headers: positionHeaders,
          content: { 'application/json': { schema: ref('DeadLetter'), example: replayed } },
        },
        ...refusals(
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
