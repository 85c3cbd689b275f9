import { expect, test } from 'bun:test'
import { heapStats } from 'bun:jsc'
import { ImageService } from '@pixelflow/proto/pixelflow/v1/image_pb'
import { sampleImage } from '@pixelflow/testkit/images'
import { openTestGateway, until } from '../../../testing/test-gateway.ts'
import { grpcClient, uploadWhole } from '../../../testing/grpc.ts'
import { findOrphanedChunks } from '../../../testing/orphaned-chunks.ts'
import { seeded, stressCalls, type StressOptions } from '../../../testing/stress.ts'

const calls = ImageService.method
const MiB = 2 ** 20

const width = 40
const stormsInRound = 10
/** Of every kind. */
const callsInRound = width * stormsInRound
const rounds = 5

for (const how of ['cancelled', 'cut off'] as const satisfies StressOptions['how'][]) {
  test(`thousands of calls that are ${how} at random moments leave nothing behind`, async () => {
    // Of 32 chunks: were one lost with every fiftieth upload, none would come through in the end.
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
      const health = (await (await gateway.call('/health/')).json()) as {
        load: { calls: number; watchers: number }
      }
      const metrics = await (await gateway.call('/metrics')).text()
      const open = /^pixelflow_open_streams\{.*transport="grpc".*\} (\d+)/m.exec(metrics)?.[1]
      return { calls: health.load.calls, watchers: health.load.watchers, open: Number(open) }
    }

    const left: Record<string, number>[] = []
    for (let round = 0; round < rounds; round++) {
      for (let count = 0; count < stormsInRound; count++) await stressCalls(targets, { width, how, random })
      await until(async () => Object.values(await load()).every((count) => count === 0), 20_000)
      left.push(await thingsAlive(() => void (gateway.logs as unknown[]).splice(0)))
    }
    // What a call leaves behind is there as often as there were calls.
    const [, settled = {}, ...later] = left
    const last = later.at(-1) ?? {}
    for (const kind of ['AbortSignal', 'Promise', 'Function', 'Object', 'Uint8Array', 'ArrayBuffer']) {
      expect({ kind, more: (last[kind] ?? 0) - (settled[kind] ?? 0) }).toSatisfy(
        ({ more }) => more < callsInRound / 2,
      )
    }

    await until(async () => (await findOrphanedChunks(gateway.nats)).length === 0)
    const files = Array.from({ length: 8 }, (_, serial) => file.map((byte, at) => (at > MiB ? serial : byte)))
    const images = await Promise.all(files.map((one) => uploadWhole(client, one)))
    expect(images.map((one) => one?.bytes)).toEqual(files.map(() => BigInt(2 * MiB)))
  }, 120_000)
}

async function thingsAlive(forget: () => void): Promise<Record<string, number>> {
  // Connections that are over take a moment to be gone.
  await Bun.sleep(500)
  forget()
  Bun.gc(true)
  await Bun.sleep(100)
  Bun.gc(true)
  return heapStats().objectTypeCounts
}
