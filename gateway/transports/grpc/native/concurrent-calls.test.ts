import { describe, expect, test } from 'bun:test'
import { ImageService, TaskEventKind } from '@pixelflow/proto/pixelflow/v1/image_pb'
import { sampleImage } from '@pixelflow/testkit/images'
import { waitFor } from '@pixelflow/testkit/wait-for'
import { useFixture } from '@pixelflow/testkit/use-fixture'
import { openTestGateway, type TestGateway } from '../../../testing/test-gateway.ts'
import { failure, grpcClient, uploadWhole } from '../../../testing/grpc-client.ts'
import { readLoad } from '../../../testing/read-load.ts'

const calls = ImageService.method
const recipe = { kind: { case: 'stringValue' as const, value: 'resize:10' } }
let gateway: TestGateway

useFixture(openTestGateway, (opened) => (gateway = opened))

const readWatchers = async () => (await readLoad(gateway)).watchers

describe('concurrent calls', () => {
  // With this load, nested write callbacks once overflowed the stack on Bun (`native-interceptor.ts`).
  test('4,000 calls on one connection are answered', async () => {
    using client = grpcClient(gateway.grpcAddress)
    const responses = await Promise.all(
      Array.from({ length: 4000 }, () => client.unary(calls.getVersion, {})),
    )
    expect(responses.every((one) => one.version === '0.1.0')).toBe(true)
  }, 60_000)

  test('all watches of a task see its end, and cancelled watches are removed', async () => {
    using client = grpcClient(gateway.grpcAddress)
    const image = (await uploadWhole(client, await sampleImage({ width: 30, height: 30 })))?.id ?? ''
    const { task } = await client.unary(calls.createTask, { image, recipe })
    const id = task?.id ?? ''
    const watches = Array.from({ length: 200 }, () => client.serverStream(calls.watchTask, { id }))
    const ends = watches.map(async (watch) => {
      let last: TaskEventKind | undefined
      for await (const { event } of watch) last = event?.kind
      return last
    })
    const outcomes = Promise.allSettled(ends)
    await waitFor('200 watches started', readWatchers, (count) => count === 200)
    for (const watch of watches.slice(0, 100)) watch.cancel()
    await waitFor('100 watches released', readWatchers, (count) => count === 100)
    await client.unary(calls.cancelTask, { id })
    const values = (await outcomes).map((one) => (one.status === 'fulfilled' ? one.value : 'cancelled'))
    expect(values.slice(0, 100)).toEqual(Array.from({ length: 100 }, () => 'cancelled'))
    expect(values.slice(100)).toEqual(Array.from({ length: 100 }, () => TaskEventKind.CANCELLED))
    expect(await readWatchers()).toBe(0)
  }, 60_000)
})

describe('a gateway that stops', () => {
  test('lets calls finish, tells watchers to resume elsewhere, and accepts no new connections', async () => {
    await using stopping = await openTestGateway()
    using client = grpcClient(stopping.grpcAddress, { 'grpc.enable_retries': 0 })
    const photo = new Uint8Array(1024 * 1024)
    photo.set(await sampleImage({ width: 300, height: 200 }))
    const image = (await uploadWhole(client, photo))?.id ?? ''
    const { task } = await client.unary(calls.createTask, { image, recipe })
    const watch = client.serverStream(calls.watchTask, { id: task?.id ?? '' })
    const tokens: string[] = []
    const watched = failure(
      (async () => {
        for await (const { event } of watch) tokens.push(event?.token ?? '')
      })(),
    )
    await waitFor(
      'first event',
      () => tokens,
      ({ length }) => length === 1,
    )
    const uploading = client.upload()
    await uploading.send({ case: 'metadata', value: { mediaType: 'image/jpeg' } })
    const { chunks } = await stopping.messages()
    await uploading.send({ case: 'chunk', value: photo })
    await waitFor('first chunk stored', stopping.messages, (stored) => stored.chunks > chunks)

    const restarted = stopping.restart()
    const refused = await watched
    expect(refused.code).toBe(14)
    expect(JSON.stringify(refused.status?.details.map((one) => one.typeUrl))).toContain(
      'google.rpc.RetryInfo',
    )
    // An active call may finish.
    const sha256 = new Bun.CryptoHasher('sha256').update(photo).digest('hex')
    await uploading.send({ case: 'commit', value: { bytes: BigInt(photo.length), sha256 } })
    uploading.call.end()
    expect((await uploading.reply).image).toMatchObject({ sha256 })
    await restarted

    using next = grpcClient(stopping.grpcAddress)
    const again = next.serverStream(calls.watchTask, { id: task?.id ?? '', after: tokens[0] ?? '' })
    await next.unary(calls.cancelTask, { id: task?.id ?? '' })
    const kinds: TaskEventKind[] = []
    for await (const { event } of again) if (event) kinds.push(event.kind)
    expect(kinds).toEqual([TaskEventKind.CANCELLED])
  }, 60_000)
})
