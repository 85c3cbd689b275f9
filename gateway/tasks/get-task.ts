import { requireScope, type Principal } from '@pixelflow/core/principal'
import type { Task } from '@pixelflow/core/task'
import { findTask } from './find-task.ts'
import type { Ports } from '../ports.ts'
import { requireValidPosition } from '../consistency/wait-for-position.ts'

/** The current state of a task, from the event log. @throws Fault `task_not_found`, `invalid_request` for an invalid position. */
export function getTask({ events, follower }: Pick<Ports, 'events' | 'follower'>) {
  return async (who: Principal, taskId: string, position?: string): Promise<Task> => {
    requireScope(who, 'tasks:read')
    await requireValidPosition(follower, position)
    return (await findTask(events, who, taskId)).event.task
  }
}
