import { Fault } from '@pixelflow/core/fault'
import { taskRef } from '@pixelflow/core/inputs'
import { hasEnded } from '@pixelflow/core/task'
import { parseTraceparent } from '@pixelflow/platform/telemetry/tracing/trace-context'
import { outermostSpan } from '@pixelflow/platform/telemetry/tracing/tracing'
import { taskView, viewTask } from '@pixelflow/core/views'
import { ImageService } from '@pixelflow/proto/pixelflow/v1/image_pb'
import { declareCall } from '../calls/declare-call.ts'
import { exampleIds, queuedExample } from '../calls/examples.ts'
import { acceptTask } from './accept-task.ts'
import { findTask } from './find-task.ts'

/** Creates a new task that repeats one that has ended. The ended task does not change; the new one refers to it. */
export const retryTask = declareCall({
  name: 'retryTask',
  tag: 'tasks',
  summary: 'Retry an ended task as a new task',
  description:
    'Creates a task with the same image, recipe and lane. The new task has the old one in `retryOf`; the old one does not change.',
  http: { method: 'POST', path: '/api/v1/tasks/{id}/retry' },
  rpc: ImageService.method.retryTask,
  access: 'tasks:write',
  faults: ['task_not_found', 'image_not_found', 'task_active', 'too_many_tasks', 'queue_full'],
  creates: { resource: 'task', keyKind: 'retry', identify: ({ id }) => [id] },
  writes: true,
  input: taskRef,
  output: taskView,
  view: viewTask,
  response: {
    status: 202,
    description: 'The new task is accepted.',
    location: ({ id }) => `/api/v1/tasks/${id}`,
    example: { ...queuedExample, retryOf: exampleIds.task },
  },
  open(ports) {
    const accept = acceptTask(ports)
    return async (who, { id }, { newId }) => {
      const { task } = (await findTask(ports.events, who, id)).event
      if (!hasEnded(task.status)) throw taskActive(task.status)
      outermostSpan().link(parseTraceparent(task.traceparent))
      return {
        value: await accept(who, task.image, task.recipe, { retryOf: task.id, id: newId, lane: task.lane }),
      }
    }
  },
})

function taskActive(status: string): Fault {
  return new Fault('task_active', `The task is ${status}; only a task that has ended can be retried.`, {
    remedy: 'Wait until it has ended, or cancel it first.',
  })
}
