import { startStack, type GatewayProcess } from '@pixelflow/testkit/stack'
import { waitFor } from '@pixelflow/testkit/wait-for'
import { openTaskWriter } from '../tasks/open-task-writer.ts'

/** Appends completed tasks at up to some thousand a second, so a million of them takes minutes. */
const waitMs = 600_000

/** Starts a gateway whose read model has tasks. */
export async function startWithTasks(
  count: number,
): Promise<{ gateway: GatewayProcess; ids: string[] } & AsyncDisposable> {
  await using scope = new AsyncDisposableStack()
  const stack = scope.use(await startStack({ env: { PIXELFLOW_LOG_LEVEL: 'info' } }))
  const gateway = await stack.gateway()
  await using writer = await openTaskWriter(stack.nats)
  const ids = await writer.createCompleted(count)
  const hasAll = async () => {
    const newest = await fetch(`${gateway.url}/api/v1/tasks/${ids.at(-1)}`)
    await newest.body?.cancel()
    return newest.status === 200
  }
  await waitFor('all tasks read by the gateway', hasAll, Boolean, { timeoutMs: waitMs })
  const open = scope.move()
  return { gateway, ids, [Symbol.asyncDispose]: () => open.disposeAsync() }
}
