import { Fault } from '@pixelflow/core/fault'
import type { TaskPage, TaskQuery } from '@pixelflow/core/ports/task-index'
import { requireScope, type Principal } from '@pixelflow/core/principal'
import type { Ports } from '../ports.ts'
import { waitForPosition } from '../consistency/wait-for-position.ts'

/** How long a list waits for the account's own writes through this gateway. */
const thisGatewayTimeoutMs = 2000
/** How long a list waits for writes through other gateways. */
const otherGatewaysTimeoutMs = 500

/**
 * Tasks of the account, newest first. The list includes all writes of the account through this gateway. It also waits
 * for writes through other gateways, but not long, because a list that is slightly old is better than none.
 * @param position from a response of any gateway: the list includes everything that was written up to there
 * @throws Fault `unavailable` while the list is rebuilt or behind the position, `invalid_request` for an invalid cursor
 * or position.
 */
export function listTasks({
  index,
  follower,
  writePositions,
}: Pick<Ports, 'index' | 'follower' | 'writePositions'>) {
  return async (who: Principal, query: Omit<TaskQuery, 'account'>, position?: string): Promise<TaskPage> => {
    requireScope(who, 'tasks:read')
    const isCaughtUp = await follower.waitForCatchUp(thisGatewayTimeoutMs)
    if (
      !isCaughtUp ||
      !(await follower.waitForSequence(writePositions.latest(who.account), thisGatewayTimeoutMs))
    ) {
      throw new Fault('unavailable', 'The task list is catching up with the event log.', {
        remedy: 'Try again in a moment. Single tasks can be read meanwhile.',
        retryAfterMs: 1000,
      })
    }
    await waitForPosition(follower, position)
    await follower.waitForHead(otherGatewaysTimeoutMs)
    return index.list({ ...query, account: who.account })
  }
}
