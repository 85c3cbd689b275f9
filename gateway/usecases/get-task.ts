import { demand, type Principal } from '@pixelflow/core/principal'
import type { Task } from '@pixelflow/core/task'
import { findTask } from './find.ts'
import type { Ports } from './ports.ts'

/** A task as it is now, read from the log itself. @throws Fault `task_not_found`. */
export function getTask({ events }: Pick<Ports, 'events'>) {
  return async (who: Principal, taskId: string): Promise<Task> => {
    demand(who, 'tasks:read')
    return (await findTask(events, who, taskId)).event.task
  }
}
