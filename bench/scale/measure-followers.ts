import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startStack } from '@pixelflow/testkit/stack'
import { measureDelivery } from '../followers/measure-delivery.ts'
import { openTaskWriter } from '../tasks/open-task-writer.ts'
import type { CurveValues } from './curve.ts'

/** Milliseconds from the append of an event to its followers, each of a task of its own. */
export async function measureFollowers(followers: number, seconds: number): Promise<CurveValues> {
  const folder = await mkdtemp(join(tmpdir(), 'pixelflow-followers-'))
  await using scope = new AsyncDisposableStack()
  scope.defer(() => rm(folder, { recursive: true, force: true }))
  const stack = scope.use(await startStack({ env: { PIXELFLOW_LOG_LEVEL: 'info' } }))
  const { url } = await stack.gateway()
  const writer = scope.use(await openTaskWriter(stack.nats))
  const file = join(folder, 'tasks.json')
  const options = {
    url,
    writer,
    followers,
    tasks: followers,
    eventsPerSecond: 200,
    seconds,
    file,
    servers: {},
  }
  const { p50Ms, p99Ms } = await measureDelivery(options)
  return { p50: p50Ms, p99: p99Ms }
}
