import { test } from 'bun:test'
import { reportOf } from '@pixelflow/testkit/contracts/registry'
import { sampleJob } from '@pixelflow/testkit/tasks'
import { until } from '@pixelflow/testkit/until'
import { startActorCluster } from '../testing/actor-cluster.ts'
import { dispatch } from './dispatch.ts'

test('a job that arrives after a full window has emptied is admitted at once', async () => {
  await using cluster = await startActorCluster()
  const { queue, work, leaderElection, backlog, registry } = cluster.adapters
  const over = new AbortController()
  await using _announced = registry.announce(() => reportOf('one.1', { workers: 1 }))
  const common = { kind: 'transform', leaderElection, backlog, registry, log: cluster.log } as const
  const standing = dispatch({ ...common, maxAdmittedOf: () => Number.POSITIVE_INFINITY }, over.signal)
  const handle = async () => (await work.next('transform', AbortSignal.timeout(20_000)))?.done()
  for (let round = 0; round < 3; round += 1) {
    // As many as fit into the window.
    await Promise.all([queue.submit(sampleJob({ lane: 'bulk' })), queue.submit(sampleJob({ lane: 'bulk' }))])
    await Promise.all([handle(), handle()])
    // A job enters the queue before it leaves the backlog.
    await until(async () => (await backlog.count('transform')) === 0)
    // Long enough for the notifications of their end.
    await Bun.sleep(300)
  }
  over.abort()
  await standing
}, 30_000)
