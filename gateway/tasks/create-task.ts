import { faultCodesWith } from '@pixelflow/core/fault'
import { createTaskInput } from '@pixelflow/core/inputs'
import { taskView, viewTask } from '@pixelflow/core/views'
import { ImageService } from '@pixelflow/proto/pixelflow/v1/image_pb'
import { declareCall } from '../calls/declare-call.ts'
import { queuedExample } from '../calls/examples.ts'
import { acceptTask, describeTaskRequest } from './accept-task.ts'

/** Creates a task that applies a recipe to a stored image. REST also takes the image in a form. */
export const createTask = declareCall({
  name: 'createTask',
  tag: 'tasks',
  summary: 'Create a task',
  description:
    'Takes the id of an uploaded image and a recipe, or an image and a recipe in a form. The response is immediate; watch the events of the task for its progress.',
  http: { method: 'POST', path: '/api/v1/tasks', body: 'json' },
  rpc: ImageService.method.createTask,
  access: 'tasks:write',
  faults: [
    'invalid_recipe',
    'image_not_found',
    ...faultCodesWith('isUploadFault'),
    'too_many_tasks',
    'queue_full',
    'storage_failed',
  ],
  creates: {
    resource: 'task',
    keyKind: 'task',
    identify: ({ image, recipe, lane }) => [image, ...describeTaskRequest(recipe, lane)],
  },
  writes: true,
  input: createTaskInput,
  output: taskView,
  view: viewTask,
  response: {
    status: 202,
    description: 'The task is accepted.',
    location: ({ id }) => `/api/v1/tasks/${id}`,
    example: queuedExample,
  },
  open(ports) {
    const accept = acceptTask(ports)
    return async (who, { image, recipe, lane }, { newId }) => ({
      value: await accept(who, image, recipe, { id: newId, lane }),
    })
  },
})
