import { expect, test } from 'bun:test'
import { cp } from 'node:fs/promises'
import { hostname } from 'node:os'
import { join } from 'node:path'
import type { ActorKind as JobKind, LiveKind } from '@pixelflow/core/actor-kinds'
import { createFirstJob } from '@pixelflow/core/job'
import { sampleImage } from '@pixelflow/testkit/images'
import { startActorCluster } from './testing/actor-cluster.ts'
import { openActorProcesses } from './testing/actor-processes.ts'
import { copyCheckout } from './testing/copy-checkout.ts'

/** The row of a kind that processes the bulk tasks, before the row that takes every task. */
const row = `  { name: 'checksum', hasJobs: true, hasSessions: true, startsTask: ({ lane }) => lane === 'bulk' },\n`

test('a kind is its folder and its row: it takes jobs and sessions beside the shipped kinds', async () => {
  await using checkout = await copyCheckout()
  await cp(join(import.meta.dir, 'testing/checksum'), join(checkout.path, 'actors/kinds/checksum'), {
    recursive: true,
  })
  const firstRow = "  { name: 'transform'"
  await checkout.replace('core/actor-kinds.ts', firstRow, row + firstRow)
  // As `./pixelflow verify --write` does.
  await checkout.run('docs/generate.ts')

  await using cluster = await startActorCluster()
  await using processes = await openActorProcesses(cluster)
  const env = { PIXELFLOW_LIVE_CONCURRENCY: '1' }
  const startActor = (kind: string) =>
    processes.actor({ ...env, PIXELFLOW_ACTOR_KINDS: kind }, join(checkout.path, 'actors/main.ts'))
  await using transformActor = await startActor('transform')
  await using checksumActor = await startActor('checksum')

  const { id, sha256 } = await cluster.upload(await sampleImage({ width: 40, height: 30 }))
  const transformed = await cluster.submit(id, 'resize:20')
  const checksummed = await cluster.submit(id, 'flip', { job: false, lane: 'bulk' })
  // The code of this process does not know the kind.
  const firstJob = { ...createFirstJob(checksummed), kind: 'checksum' as JobKind }
  await cluster.adapters.queue.submit(firstJob)
  const actorOf = ({ pid }: { readonly pid: number }) => `${hostname()}.${pid}`
  expect((await cluster.end(transformed)).task).toMatchObject({
    status: 'completed',
    actor: actorOf(transformActor),
  })
  expect((await cluster.end(checksummed)).task).toMatchObject({
    status: 'completed',
    actor: actorOf(checksumActor),
    attempt: 1,
  })
  expect(Buffer.from(await cluster.output(checksummed)).toString()).toBe(sha256)
  expect(await cluster.eventKinds(checksummed)).toEqual(['queued', 'started', 'completed'])

  const kind: string = 'checksum'
  const signal = AbortSignal.timeout(20_000)
  await using session = await cluster.adapters.sessions.open(kind as LiveKind, null, signal)
  await session.send(null, Buffer.from('some bytes'))
  await session.finish()
  const { head } = (await session.next(signal)) ?? {}
  expect(head).toEqual({ sha256: new Bun.CryptoHasher('sha256').update('some bytes').digest('hex') })
}, 120_000)
