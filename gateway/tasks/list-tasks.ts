import { Fault } from '@pixelflow/core/fault'
import type { TaskPage, TaskQuery } from '@pixelflow/core/ports/task-index'
import { requireScope, type Principal } from '@pixelflow/core/principal'
import type { Ports } from '../ports.ts'
import { waitForPosition } from '../consistency/wait-for-position.ts'

const patienceMs = 2000
/** How long to wait for what was done through other gateways. They may be ahead of us, and we of the store's answer. */
const othersMs = 500

/**
 * Own tasks, newest first. What the account has done through this gateway is in the list; it is waited for. So is what was
 * done through any other, but not for long: a list is worth more than a perfect one.
 * @param position as an answer of any gateway has brought it: the list has what was written up to there.
 * @throws Fault `unavailable` while the list is being made anew or has not come to the position, `invalid_request` for a
 * wrong cursor or position.
 */
export function listTasks({ index, follower, writes }: Pick<Ports, 'index' | 'follower' | 'writes'>) {
  return async (who: Principal, query: Omit<TaskQuery, 'account'>, position?: string): Promise<TaskPage> => {
    requireScope(who, 'tasks:read')
    const isWhole = await follower.caughtUp(patienceMs)
    if (!isWhole || !(await follower.reached(writes.latest(who.account), patienceMs))) {
      throw new Fault('unavailable', 'The task list is still catching up with what has happened.', {
        remedy: 'Try again in a moment; single tasks can be read all the while.',
        retryAfterMs: 1000,
      })
    }
    await waitForPosition(follower, position)
    await follower.current(othersMs)
    return index.list({ ...query, account: who.account })
  }
}
