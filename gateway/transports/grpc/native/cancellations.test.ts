import { expect, test } from 'bun:test'
import { heapStats } from 'bun:jsc'
import { ImageService } from '@pixelflow/proto/pixelflow/v1/image_pb'
import { sampleImage } from '@pixelflow/testkit/images'
import { waitFor } from '@pixelflow/testkit/wait-for'
import { parsePrometheus } from '@pixelflow/testkit/prometheus'
import { openTestGateway } from '../../../testing/test-gateway.ts'
import { grpcClient, uploadWhole } from '../../../testing/grpc-client.ts'
import { findOrphanedChunks } from '../../../testing/orphaned-chunks.ts'
import { seeded, stressCalls, type StressOptions } from '../../../testing/stress.ts'
import { readLoad } from '../../../testing/read-load.ts'

const calls = ImageService.method
const MiB = 2 ** 20

const width = 40
const batchesPerRound = 10
/** Calls of each kind. */
const callsPerRound = width * batchesPerRound
const rounds = 5
const kinds = ['AbortSignal', 'Promise', 'Function', 'Object', 'Uint8Array', 'ArrayBuffer']

for (const how of ['cancelled', 'cut off'] as const satisfies StressOptions['how'][]) {
  test(`thousands of calls that are ${how} at random moments leave no state behind`, async () => {
    // The memory holds 32 chunks: if every fiftieth upload leaked one, the uploads at the end would fail.
    await using gateway = await openTestGateway({ env: { PIXELFLOW_UPLOAD_MEMORY: '4MiB' } })
    using client = grpcClient(gateway.grpcAddress)
    const file = new Uint8Array(2 * MiB)
    file.set(await sampleImage({ width: 300, height: 200 }))
    const image = (await uploadWhole(client, file))?.id ?? ''
    const recipe = { kind: { case: 'stringValue' as const, value: 'resize:10' } }
    const { task } = await client.unary(calls.createTask, { image, recipe })
    const targets = { address: gateway.grpcAddress, image, task: task?.id ?? '' }
    const random = seeded(7)
    const load = async () => {
      const { calls, watchers } = await readLoad(gateway)
      const metrics = parsePrometheus(await (await gateway.call('/metrics')).text())
      return { calls, watchers, streams: metrics.value('pixelflow_open_streams', { protocol: 'grpc' }) }
    }

    const objectCounts: Record<string, number>[] = []
    for (let round = 0; round < rounds; round++) {
      for (let count = 0; count < batchesPerRound; count++) await stressCalls(targets, { width, how, random })
      await waitFor(
        'all calls, watches and streams ended',
        load,
        (counts) => Object.values(counts).every((count) => count === 0),
        { timeoutMs: 20_000 },
      )
      objectCounts.push(await countObjects(() => void (gateway.logs as unknown[]).splice(0)))
    }
    // A leak grows with the number of calls and stays; connections that have just closed are released within seconds.
    const [, settled = {}] = objectCounts
    const grownIn = (counts: Record<string, number>) =>
      kinds
        .map((kind) => ({ kind, more: (counts[kind] ?? 0) - (settled[kind] ?? 0) }))
        .filter(({ more }) => more >= callsPerRound / 2)
    await waitFor(
      'objects of all rounds released',
      async () => grownIn(await countObjects(() => void (gateway.logs as unknown[]).splice(0))),
      (grown) => grown.length === 0,
      { timeoutMs: 20_000 },
    )

    await waitFor(
      'no orphaned chunks',
      () => findOrphanedChunks(gateway.nats),
      (chunks) => chunks.length === 0,
    )
    const files = Array.from({ length: 8 }, (_, serial) => file.map((byte, at) => (at > MiB ? serial : byte)))
    const images = await Promise.all(files.map((one) => uploadWhole(client, one)))
    expect(images.map((one) => one?.bytes)).toEqual(files.map(() => BigInt(2 * MiB)))
  }, 120_000)
}

async function countObjects(clearLogs: () => void): Promise<Record<string, number>> {
  // Closed connections are released with a delay.
  await Bun.sleep(500)
  clearLogs()
  Bun.gc(true)
  // Finalizers run between the two collections.
  await Bun.sleep(100)
  Bun.gc(true)
  return heapStats().objectTypeCounts
}
