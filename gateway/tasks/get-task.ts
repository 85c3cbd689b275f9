import { taskRef } from '@pixelflow/core/inputs'
import { taskView, viewTask } from '@pixelflow/core/views'
import { ImageService } from '@pixelflow/proto/pixelflow/v1/image_pb'
import { declareCall } from '../calls/declare-call.ts'
import { completedExample } from '../calls/examples.ts'
import { findTask } from './find-task.ts'

/** The current state of a task, from the event log. */
export const getTask = declareCall({
  name: 'getTask',
  tag: 'tasks',
  summary: 'Get a task',
  http: { method: 'GET', path: '/api/v1/tasks/{id}' },
  rpc: ImageService.method.getTask,
  access: 'tasks:read',
  faults: ['task_not_found'],
  readsAtPosition: 'log',
  input: taskRef,
  output: taskView,
  view: viewTask,
  response: { description: 'The task.', example: completedExample },
  open:
    ({ events }) =>
    async (who, { id }) => ({ value: (await findTask(events, who, id)).event.task }),
})
