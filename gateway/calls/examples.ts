import { formatIds, writableFormatIds } from '@pixelflow/core/format'
import {
  viewActor,
  viewEvent,
  viewImage,
  viewTask,
  type ActorView,
  type DeadLetterView,
  type EventView,
  type ImageView,
  type TaskView,
} from '@pixelflow/core/views'
import { createEvent } from '@pixelflow/core/event'
import { catalogue, describeOperations } from '@pixelflow/core/operations/index'
import { parseRecipe } from '@pixelflow/core/recipe/recipe'
import type { Task } from '@pixelflow/core/task'

/** Examples of the documentation: one image with its task, events and actor. */

const imageId = '019aa6f2-4c1e-7d3a-9b57-2f1d8c60e4a1'
const taskId = '019aa6f2-51b0-7c44-8a02-6be90d17f35c'
const createdAt = '2026-11-21T13:24:15.120Z'

export const recipeText = 'resize:800/blur:2/format:webp'

export const imageExample: ImageView = viewImage({
  id: imageId,
  account: 'local',
  sha256: '3f8a1c0e5d7b9246a8e0c1f3b5d7092e4c6a8b0d2f4e6a8c0b2d4f6e8a0c2e41',
  bytes: 2_945_123,
  format: 'jpeg',
  width: 4000,
  height: 3000,
  createdAt,
})

const queued: Task = {
  id: taskId,
  account: 'local',
  status: 'queued',
  progress: 0,
  image: imageId,
  recipe: parseRecipe(recipeText),
  lane: 'interactive',
  outputs: [],
  attempt: 0,
  createdAt,
  updatedAt: createdAt,
}

const completed: Task = {
  ...queued,
  status: 'completed',
  progress: 100,
  attempt: 1,
  actor: 'actor-1',
  outputs: [
    {
      name: 'default',
      format: 'webp',
      mediaType: 'image/webp',
      bytes: 61_204,
      sha256: 'b1946ac92492d2347c6235b4d2611184a1e2f0c3d4b5a6978812f3e4d5c6b7a8',
      width: 800,
      height: 600,
    },
  ],
  startedAt: '2026-11-21T13:24:15.131Z',
  endedAt: '2026-11-21T13:24:15.322Z',
  updatedAt: '2026-11-21T13:24:15.322Z',
}

export const queuedExample: TaskView = viewTask(queued)
export const completedExample: TaskView = viewTask(completed)
export const eventExample: EventView = viewEvent(
  createEvent('completed', completed, {}, new Date('2026-11-21T13:24:15.322Z')),
)
export const actorExample: ActorView = viewActor({
  report: {
    name: 'actor-1.42',
    version: '0.1.0',
    kinds: ['transform'],
    live: ['transform', 'preview'],
    capabilities: {
      reads: [...formatIds],
      writes: [...writableFormatIds],
      operations: [...catalogue.names],
    },
    state: 'ready',
    slots: 12,
    held: 3,
    tasks: [{ account: 'local', task: taskId, attempt: 1, since: '2026-11-21T13:24:15.131Z' }],
    sessions: 1,
    children: 16,
    residentBytes: 1_431_655_765,
    startedAt: '2026-11-21T09:00:00.000Z',
  },
  seenAt: new Date('2026-11-21T13:24:15.300Z'),
})
export const exampleIds = { image: imageId, task: taskId }

export const deadLetterExample: DeadLetterView = {
  id: `transform.ann.${taskId}`,
  kind: 'transform',
  lane: 'interactive',
  account: 'ann',
  task: taskId,
  stage: 'main',
  fault: { code: 'storage_failed', detail: 'The store rejected a request.' },
  internalCause: 'Error: insufficient resources (10023)',
  attempts: 5,
  actor: 'worker-1.4711',
  createdAt: '2026-11-21T09:30:00.000Z',
}
export const replayedDeadLetterExample: DeadLetterView = {
  ...deadLetterExample,
  replay: { task: '01936f2e-8a11-7abc-9def-0123456789ab', createdAt: '2026-11-21T09:45:00.000Z' },
}

const [blur] = describeOperations().operations.filter(({ name }) => name === 'blur')
export const operationExample = blur
