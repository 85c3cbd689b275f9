import type { TaskView } from '@pixelflow/client'
import { pause } from '@pixelflow/core/pause'
import { hasEnded } from '@pixelflow/core/status'
import type { TestAccount } from './start-load.ts'
import type { Violations } from './violations.ts'

/** Every task that the gateways list for an account, once all have ended. All gateways must return the same list. */
export async function readTaskLists(
  { clients }: TestAccount,
  violations: Violations,
  signal: AbortSignal,
): Promise<TaskView[]> {
  for (;;) {
    const lists = await Promise.all(
      clients.map(({ client }) => Array.fromAsync(client.tasks({ limit: 200 }))),
    )
    const [first = []] = lists
    const areEqual = lists.every((one) => print(one) === print(first))
    if (signal.aborted && !areEqual)
      violations.add(
        'listsDiffer',
        `tasks per gateway and protocol: ${lists.map((one) => one.length).join(' ')}`,
      )
    if (signal.aborted || (areEqual && first.every(({ status }) => hasEnded(status)))) return first
    await pause(500, signal)
  }
}

const print = (list: readonly TaskView[]) => list.map(({ id, status }) => `${id} ${status}`).join('\n')
