import { Fault } from '@pixelflow/core/fault'
import type { TaskPage, TaskQuery } from '@pixelflow/core/ports/task-index'
import { demand, type Principal } from '@pixelflow/core/principal'
import type { Ports } from './ports.ts'

const patienceMs = 2000

/**
 * Own tasks, newest first. What the account has done through this gateway is in the list; it is waited for.
 * @throws Fault `unavailable` while the list is being made anew, `invalid_request` for a wrong cursor.
 */
export function listTasks({ index, feed, writes }: Pick<Ports, 'index' | 'feed' | 'writes'>) {
  return async (who: Principal, query: Omit<TaskQuery, 'account'>): Promise<TaskPage> => {
    demand(who, 'tasks:read')
    const isWhole = await feed.caughtUp(patienceMs)
    if (!isWhole || !(await feed.reached(writes.latest(who.account), patienceMs))) {
      throw new Fault('unavailable', 'The task list is still catching up with what has happened.', {
        remedy: 'Try again in a moment; single tasks can be read all the while.',
        retryAfterMs: 1000,
      })
    }
    return index.list({ ...query, account: who.account })
  }
}
