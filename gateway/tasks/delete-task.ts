import { createEvent } from '@pixelflow/core/event'
import { onlyStage } from '@pixelflow/core/job'
import { taskRef } from '@pixelflow/core/inputs'
import { omitInlineBytes } from '@pixelflow/core/inline-location'
import { outputObject, type Task } from '@pixelflow/core/task'
import { dropUnreportedOutputs } from '@pixelflow/platform/shared-cache/drop-unreported-outputs'
import { ImageService } from '@pixelflow/proto/pixelflow/v1/image_pb'
import { declareCall } from '../calls/declare-call.ts'
import type { Ports } from '../ports.ts'
import { endIfActive } from './cancel-task.ts'
import { taskNotFound } from './find-task.ts'

/** Deletes a task with its outputs, and cancels it before if it has not ended. */
export const deleteTask = declareCall({
  name: 'deleteTask',
  tag: 'tasks',
  summary: 'Delete a task and its outputs',
  description: 'An active task is cancelled first.',
  http: { method: 'DELETE', path: '/api/v1/tasks/{id}' },
  rpc: ImageService.method.deleteTask,
  access: 'tasks:write',
  faults: ['task_not_found'],
  writes: true,
  isAudited: true,
  input: taskRef,
  output: null,
  response: { description: 'The task was deleted.' },
  open:
    (ports) =>
    async (who, { id }) => {
      const last = await endIfActive(ports, who, id)
      const { task } = last.event
      const seq = await ports.events.append(
        createEvent('deleted', task, { outputs: task.outputs.map(omitInlineBytes) }, ports.events.now()),
        last.seq,
      )
      // Only a deletion can follow the final event: a concurrent call has deleted the task.
      if (seq === null) throw taskNotFound(id)
      ports.writePositions.record(who.account, seq)
      await dropOutputs(ports, task)
      return { value: undefined }
    },
})

/** Outputs of a deleted task cannot be read. Those that cannot be deleted now expire. */
async function dropOutputs(stores: Pick<Ports, 'results' | 'sharedCache'>, task: Task): Promise<void> {
  const { results, sharedCache } = stores
  for (const { sha256 } of task.outputs) sharedCache.remove({ account: task.account, sha256 })
  const objects = task.outputs.map((one) => outputObject(task.account, task.id, onlyStage, one.name))
  await Promise.allSettled(objects.map((name) => results.delete(name)))
  const dropped = task.outputs.map(({ name }) => name)
  // An actor that is at work drops those that it stores from now on.
  await dropUnreportedOutputs(stores, task, dropped)
}
