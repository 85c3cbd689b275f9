import { Fault } from '@pixelflow/core/fault'
import { requireScope, type Principal } from '@pixelflow/core/principal'
import { hasEnded, type Task } from '@pixelflow/core/task'
import type { createTask } from './create-task.ts'
import { findTask } from './find-task.ts'
import type { Ports } from '../ports.ts'

/**
 * Creates a new task that repeats one that has ended. The ended task does not change; the new one refers to it.
 * @throws Fault `task_not_found`, `task_active` while it has not ended, `image_not_found` when its image has expired,
 * `too_many_tasks`, `queue_full`.
 */
export function retryTask({ events }: Pick<Ports, 'events'>, create: ReturnType<typeof createTask>) {
  return async (who: Principal, taskId: string, newId?: string): Promise<Task> => {
    requireScope(who, 'tasks:write')
    const { task } = (await findTask(events, who, taskId)).event
    if (!hasEnded(task.status)) {
      throw new Fault(
        'task_active',
        `The task is ${task.status}; only a task that has ended can be retried.`,
        {
          remedy: 'Wait until it has ended, or cancel it first.',
        },
      )
    }
    return create(who, task.image, task.recipe, { retryOf: task.id, id: newId, lane: task.lane })
  }
}
