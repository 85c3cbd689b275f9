import { expect, test } from 'bun:test'
import { ImageService, TaskEventKind } from '@pixelflow/proto/pixelflow/v1/image_pb'
import { sampleImage } from '@pixelflow/testkit/images'
import { waitFor } from '@pixelflow/testkit/wait-for'
import { grpcClient, uploadWhole, type GrpcClient } from '../../../testing/grpc-client.ts'
import { startLoadedGateway } from '../../../testing/loaded-gateway.ts'

const calls = ImageService.method
const recipe = { kind: { case: 'stringValue' as const, value: 'resize:40/format:png' } }
const MiB = 2 ** 20

// A connection has at most 256 streams.
const connections = 5
const tasks = 20
const watchersOfTask = 50
const rounds = 5

test('1,000 watchers see every event once and in order, end with the task, and leave no memory behind', async () => {
  await using gateway = await startLoadedGateway()
  using clients = new DisposableStack()
  const lines = Array.from({ length: connections }, () => grpcClient(gateway.grpcAddress))
  for (const client of lines) clients.use(client)
  const [first] = lines as [GrpcClient]
  const image = (await uploadWhole(first, await sampleImage({ width: 80, height: 60 })))?.id ?? ''

  let warm = 0
  for (let round = 0; round < rounds; round++) {
    const ids = await Promise.all(
      Array.from({ length: tasks }, async () => {
        const { task } = await first.unary(calls.createTask, { image, recipe })
        return task?.id ?? ''
      }),
    )
    const watching = Array.from({ length: tasks * watchersOfTask }, (_, serial) => {
      const id = ids[serial % tasks] ?? ''
      return seen(lines[serial % connections] ?? first, id)
    })
    // In the first round all watchers start before the first event, later while the tasks run.
    if (round === 0) {
      await waitFor('all watches started', gateway.load, (load) => load.watchers === tasks * watchersOfTask, {
        timeoutMs: 30_000,
      })
      await gateway.stack.actor()
    }
    const received = await Promise.all(watching)
    const whole = await Promise.all(ids.map((id) => seen(first, id)))
    for (const [serial, events] of received.entries()) expect(events).toEqual(whole[serial % tasks] ?? [])
    for (const events of whole) {
      const kinds = events.map(({ kind }) => kind)
      expect(kinds[0]).toBe(TaskEventKind.QUEUED)
      expect(kinds).toContain(TaskEventKind.OUTPUT)
      expect(kinds.at(-1)).toBe(TaskEventKind.COMPLETED)
      expect(new Set(events.map(({ token }) => token)).size).toBe(events.length)
    }
    await gateway.idle()
    // The first rounds allocate what stays: compiled code, pools, and the heap.
    if (round === 1) warm = await gateway.residentBytes()
  }
  const most = warm + 64 * MiB
  expect(await gateway.waitForResidentBytes(most)).toBeLessThanOrEqual(most)
}, 120_000)

/** The events that one watcher receives until its stream ends. */
async function seen(client: GrpcClient, id: string): Promise<{ token: string; kind: TaskEventKind }[]> {
  const events: { token: string; kind: TaskEventKind }[] = []
  for await (const { event } of client.serverStream(calls.watchTask, { id })) {
    if (event) events.push({ token: event.token, kind: event.kind })
  }
  return events
}
