import { createEvent, type StoredEvent } from '@pixelflow/core/event'
import { Fault } from '@pixelflow/core/fault'
import { createFirstJob } from '@pixelflow/core/job'
import { retryConflicts } from '@pixelflow/core/retry-conflicts'
import type { Principal } from '@pixelflow/core/principal'
import { taskRef } from '@pixelflow/core/inputs'
import { hasEnded, type Task } from '@pixelflow/core/task'
import { taskView, viewTask } from '@pixelflow/core/views'
import { ImageService } from '@pixelflow/proto/pixelflow/v1/image_pb'
import { declareCall } from '../calls/declare-call.ts'
import { queuedExample } from '../calls/examples.ts'
import { findTask } from './find-task.ts'
import type { Ports } from '../ports.ts'

type CancelTaskPorts = Pick<Ports, 'events' | 'queue' | 'cancellations' | 'writePositions'>

/** A task has fewer changes than this, so more conflicts in a row are an error. */
const maxConflicts = 64

/**
 * Cancels a task that has not ended. The actor that runs it is notified, but correctness does not depend on that:
 * after the final event, nothing can be appended to the task. A repeated cancellation returns the same task.
 */
export const cancelTask = declareCall({
  name: 'cancelTask',
  tag: 'tasks',
  summary: 'Cancel a task',
  description: 'Cancelling a cancelled task has no effect.',
  http: { method: 'POST', path: '/api/v1/tasks/{id}/cancel' },
  rpc: ImageService.method.cancelTask,
  access: 'tasks:write',
  faults: ['task_not_found', 'task_ended'],
  writes: true,
  input: taskRef,
  output: taskView,
  view: viewTask,
  response: { description: 'The task is cancelled.', example: { ...queuedExample, status: 'cancelled' } },
  open:
    (ports) =>
    async (who, { id }) => {
      const { task } = (await endIfActive(ports, who, id)).event
      if (task.status === 'cancelled') return { value: task }
      throw new Fault('task_ended', `The task has already ${task.status}.`, {
        remedy: 'Delete the task to remove it with its outputs.',
      })
    },
})

/** The task's newest event after it was cancelled, or the one that had already ended it. */
export async function endIfActive(
  ports: CancelTaskPorts,
  who: Principal,
  taskId: string,
): Promise<StoredEvent> {
  const update = async (): Promise<StoredEvent | undefined> => {
    const last = await findTask(ports.events, who, taskId)
    const { task } = last.event
    if (hasEnded(task.status)) {
      // The answer includes this event, so the caller's next list must include it too.
      ports.writePositions.record(who.account, last.seq)
      return last
    }
    const at = ports.events.now()
    const event = createEvent('cancelled', task, { status: 'cancelled', endedAt: at.toISOString() }, at)
    const seq = await ports.events.append(event, last.seq)
    // The task changed between the read and the write.
    if (seq === null) return undefined
    ports.writePositions.record(who.account, seq)
    await stop(ports, task)
    return { seq, storedAt: at, event }
  }
  return retryConflicts(update, { maxConflicts, createFault: createConflict })
}

function createConflict(): Fault {
  return new Fault('conflict', 'The task was modified concurrently.', { remedy: 'Read the task again.' })
}

/** Frees the queue and the actor early. When this fails, the actor drops the job when it receives it. */
async function stop({ queue, cancellations }: CancelTaskPorts, task: Task): Promise<void> {
  await Promise.allSettled([queue.remove(createFirstJob(task)), cancellations.publish(task.account, task.id)])
}
