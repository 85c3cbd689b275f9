import { expect, test } from 'bun:test'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createByteBudget } from '@pixelflow/core/byte-budget'
import { actorKindRows, createFirstJob, type ActorKindRow } from '@pixelflow/core/job'
import { outputObject, type Task } from '@pixelflow/core/task'
import { connect } from '@pixelflow/nats/connection/connect'
import { ensureConsumer } from '@pixelflow/nats/jetstream/read-consumer-info'
import { consumersOf } from '@pixelflow/nats/topology/consumers'
import { readSettings } from '@pixelflow/platform/config/read-settings'
import { sampleImage } from '@pixelflow/testkit/images'
import { actorSettings } from './config.ts'
import { jobKinds } from './kinds/index.ts'
import type { JobKind } from './kinds/job-kind.ts'
import { fetchSource, findSource } from './kinds/transform/fetch-source.ts'
import { storeOutput } from './kinds/transform/store-output.ts'
import { reconcile } from './runtime/reconcile.ts'
import { startRuntime } from './runtime/runtime.ts'
import { openSandbox } from './sandbox/sandbox.ts'
import { createSandboxOptions } from './sandbox/sandbox-options.ts'
import { openScratch } from './sandbox/scratch.ts'
import { startActorCluster, type ActorCluster } from './testing/actor-cluster.ts'
import { noHooks } from './testing/no-hooks.ts'

/** A kind of actor that is defined here, and nowhere in the product: it stores the SHA-256 of an image. */
const checksumKind: JobKind = (context) => ({
  kind: 'checksum',
  ready: (signal) => context.sandbox.ready(signal),
  async run({ job, task, signal }) {
    const { account, image } = task
    const record = await findSource(context, account, image)
    await using folder = await context.scratch.folder(record.bytes)
    const source = join(folder.path, 'source')
    await fetchSource(context, record, source, signal)
    let sha256: unknown
    const onNote = (note: unknown) => void (sha256 = note)
    await context.sandbox.run({ kind: 'checksum', account, input: source, signal, onNote })
    const path = join(folder.path, 'checksum')
    await Bun.write(path, String(sha256))
    const name = outputObject(account, task.id, job.stage, 'default')
    await storeOutput(context.results, { path, name, mediaType: 'text/plain', signal })
  },
})
const checksumTasks = new Set<string>()
const rows: readonly ActorKindRow[] = [
  { name: 'checksum', startsTask: ({ id }) => checksumTasks.has(id) },
  ...actorKindRows,
]

async function createConsumers({ settings, log }: ActorCluster, kind: string): Promise<void> {
  await using broker = await connect({ settings, name: 'test', log })
  for (const { stream, config } of consumersOf(settings, [kind])) await ensureConsumer(broker, stream, config)
}

test('a kind that is added from outside processes its jobs beside the shipped kinds', async () => {
  await using cluster = await startActorCluster()
  await createConsumers(cluster, 'checksum')
  await using scope = new AsyncDisposableStack()
  const home = await mkdtemp(join(tmpdir(), 'pixelflow-extra-kind-'))
  scope.defer(() => rm(home, { recursive: true, force: true }))
  const { images, sources, results, events, deadLetters, cancellations, jobConsumer, queue } =
    cluster.adapters
  const settings = readSettings(actorSettings, {})
  const scratch = scope.use(await openScratch(home))
  const program = join(import.meta.dir, 'testing/checksum-worker.ts')
  const launcher = { command: [process.execPath, program], hasNoNetwork: false, isBound: false }
  const options = createSandboxOptions(settings, launcher, scratch.large, noHooks)
  const sandbox = scope.use(openSandbox({ ...options, memory: createByteBudget(2 ** 40), workers: 1 }))
  const context = { images, sources, results, scratch, sandbox, settings, log: cluster.log }
  const common = {
    jobConsumer,
    cancellations,
    events,
    deadLetters,
    actor: 'one',
    maxAttempts: 3,
    log: cluster.log,
  }
  for (const kind of [...jobKinds, checksumKind])
    scope.use(startRuntime({ ...common, handler: kind(context), slots: 1, interactiveSlots: 0 }))
  const stop = new AbortController()
  const jobOf = (task: Task) => createFirstJob(task, rows)
  const reconciling = reconcile(
    { outbox: cluster.adapters.outbox, events, queue, jobOf, log: cluster.log },
    stop.signal,
  )

  const { id, sha256 } = await cluster.upload(await sampleImage({ width: 40, height: 30 }))
  const transformed = await cluster.submit(id, 'resize:20')
  // Not queued by the gateway: reconciliation must find the job of the right kind.
  const checksummed = await cluster.submit(id, 'flip', { job: false })
  checksumTasks.add(checksummed.id)

  expect(await cluster.end(transformed)).toMatchObject({ kind: 'completed' })
  const last = await cluster.end(checksummed)
  expect(last.task).toMatchObject({ status: 'completed', attempt: 1 })
  expect(Buffer.from(await cluster.output(checksummed)).toString()).toBe(sha256)
  const kinds = (await cluster.history(checksummed)).map(({ event }) => event.kind)
  expect(kinds).toEqual(['queued', 'started', 'completed'])
  stop.abort()
  await reconciling
}, 60_000)
