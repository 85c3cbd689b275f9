import { createEvent } from '@pixelflow/core/event'
import { onlyStage } from '@pixelflow/core/job'
import { requireScope, type Principal } from '@pixelflow/core/principal'
import { outputObject, type Task } from '@pixelflow/core/task'
import { endIfActive } from './cancel-task.ts'
import { taskNotFound } from './find-task.ts'
import type { Ports } from '../ports.ts'

/** Deletes a task with its outputs, and cancels it before if it has not ended. @throws Fault `task_not_found`. */
export function deleteTask(
  ports: Pick<Ports, 'events' | 'queue' | 'cancellations' | 'writePositions' | 'results'>,
) {
  return async (who: Principal, taskId: string): Promise<void> => {
    requireScope(who, 'tasks:write')
    const last = await endIfActive(ports, who, taskId)
    const { task } = last.event
    const seq = await ports.events.append(createEvent('deleted', task, {}, ports.events.now()), last.seq)
    // Only a deletion can follow the final event: a concurrent call has deleted the task.
    if (seq === null) throw taskNotFound(taskId)
    ports.writePositions.record(who.account, seq)
    await dropOutputs(ports, task)
  }

  /** Outputs of a deleted task cannot be read. Those that cannot be deleted now expire. */
  async function dropOutputs({ results }: Pick<Ports, 'results'>, task: Task): Promise<void> {
    const objects = task.outputs.map((one) => outputObject(task.account, task.id, onlyStage, one.name))
    await Promise.allSettled(objects.map((name) => results.delete(name)))
  }
}
