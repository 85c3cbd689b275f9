import { Fault } from '@pixelflow/core/fault'
import { requireScope, type Principal } from '@pixelflow/core/principal'
import { hasEnded, type Task } from '@pixelflow/core/task'
import type { createTask } from './create-task.ts'
import { findTask } from './find-task.ts'
import type { Ports } from '../ports.ts'

/**
 * Does the work of a task that has ended once more, as a task of its own: an end stays an end. The new task names the
 * one that it repeats.
 * @throws Fault `task_not_found`, `task_active` while it has not ended, `image_not_found` when its image is gone,
 * `too_many_tasks`, `queue_full`.
 */
export function retryTask({ events }: Pick<Ports, 'events'>, accept: ReturnType<typeof createTask>) {
  return async (who: Principal, taskId: string, newId?: string): Promise<Task> => {
    requireScope(who, 'tasks:write')
    const { task } = (await findTask(events, who, taskId)).event
    if (!hasEnded(task.status)) {
      throw new Fault('task_active', `The task is ${task.status}; only what has ended can be tried again.`, {
        remedy: 'Wait for its end, or cancel it first.',
      })
    }
    return accept(who, task.image, task.recipe, { retryOf: task.id, id: newId, lane: task.lane })
  }
}
