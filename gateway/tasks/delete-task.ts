import { eventOf } from '@pixelflow/core/event'
import { Fault } from '@pixelflow/core/fault'
import { onlyStage } from '@pixelflow/core/job'
import { requireScope, type Principal } from '@pixelflow/core/principal'
import { outputObject, type Task } from '@pixelflow/core/task'
import { endIfActive } from './cancel-task.ts'
import { taskNotFound } from './find-task.ts'
import type { Ports } from '../ports.ts'

/** Takes a task away with its outputs, after cancelling it when it has not ended. @throws Fault `task_not_found`. */
export function deleteTask(ports: Pick<Ports, 'events' | 'queue' | 'cancellations' | 'writes' | 'results'>) {
  return async (who: Principal, taskId: string): Promise<void> => {
    requireScope(who, 'tasks:write')
    const last = await endIfActive(ports, who, taskId)
    const { task } = last.event
    try {
      const seq = await ports.events.append(eventOf('deleted', task, {}, ports.events.now()), last.seq)
      ports.writes.noted(who.account, seq)
    } catch (thrown) {
      // After the end there is only one thing that can follow: somebody else deleted it.
      throw Fault.of(thrown).code === 'conflict' ? taskNotFound(taskId) : thrown
    }
    await dropOutputs(ports, task)
  }

  /** Nobody can reach them any more; what cannot be removed just now goes when its time is over. */
  async function dropOutputs({ results }: Pick<Ports, 'results'>, task: Task): Promise<void> {
    const objects = task.outputs.map((one) => outputObject(task.account, task.id, onlyStage, one.name))
    await Promise.allSettled(objects.map((name) => results.delete(name)))
  }
}
