import { demand, type Principal } from '@pixelflow/core/principal'
import type { Task } from '@pixelflow/core/task'
import { findTask } from './find.ts'
import type { Ports } from '../ports.ts'
import { demandPosition } from '../consistency/position.ts'

/** A task as it is now, read from the log itself. @throws Fault `task_not_found`, `invalid_request` for a wrong position. */
export function getTask({ events, feed }: Pick<Ports, 'events' | 'feed'>) {
  return async (who: Principal, taskId: string, position?: string): Promise<Task> => {
    demand(who, 'tasks:read')
    await demandPosition(feed, position)
    return (await findTask(events, who, taskId)).event.task
  }
}
