import { describe, expect, test } from 'bun:test'
import { create, toBinary } from '@bufbuild/protobuf'
import { DownloadRequestSchema, ImageService } from '@pixelflow/proto/pixelflow/v1/image_pb'
import { sampleImage } from '@pixelflow/testkit/images'
import { stays, waitFor } from '@pixelflow/testkit/wait-for'
import { openTestGateway, type TestGateway } from '../../../testing/test-gateway.ts'
import { digestOf, failure, grpcClient, uploadWhole } from '../../../testing/grpc-client.ts'
import { frame, frameTypes, message, ping, rawHttp2, reset, startCall } from '../../../testing/raw-http2.ts'
import { readLoad } from '../../../testing/read-load.ts'

const calls = ImageService.method
const recipe = { kind: { case: 'stringValue' as const, value: 'resize:10' } }
const ack = 1

function waitForActiveCalls(gateway: TestGateway, count: number) {
  return waitFor(
    `${count} active calls`,
    () => readLoad(gateway),
    ({ calls }) => calls === count,
  )
}

describe('keepalive', () => {
  test('ends the connection of a client that does not acknowledge PING, and no other', async () => {
    await using gateway = await openTestGateway({ env: { PIXELFLOW_GRPC_KEEPALIVE_TIME: '1s' } })
    using silent = await rawHttp2(gateway.grpcAddress)
    using answering = await rawHttp2(gateway.grpcAddress)
    answering.onFrame(({ type, flags, body }) => {
      if (type === frameTypes.ping && flags === 0) answering.send(ping(ack, body))
    })
    using client = grpcClient(gateway.grpcAddress)
    await client.unary(calls.getVersion, {})
    // An active call does not keep a dead connection open.
    const photo = await sampleImage({ width: 30, height: 30 })
    const { id: image } = await gateway.image(photo)
    const { id } = await gateway.submit(image)
    const about = new Uint8Array([10, id.length, ...new TextEncoder().encode(id)])
    const path = '/pixelflow.v1.ImageService/WatchTask'
    silent.send(startCall(1, path, gateway.grpcAddress), message(1, about))
    await waitForActiveCalls(gateway, 1)

    const began = performance.now()
    await waitFor('connection without acknowledgements closed', () => silent.isClosed)
    const tookMs = performance.now() - began
    expect(tookMs).toBeGreaterThan(500)
    expect(tookMs).toBeLessThan(6000)
    expect(silent.frames.some(({ type }) => type === frameTypes.ping)).toBe(true)
    await waitForActiveCalls(gateway, 0)
    await stays('the connection that acknowledges is open', () => !answering.isClosed, 1500)
    expect(answering.frames.filter(({ type }) => type === frameTypes.ping).length).toBeGreaterThan(1)
    expect(await client.unary(calls.getVersion, {})).toMatchObject({ version: '0.1.0' })
  }, 30_000)
})

describe('PING frames', () => {
  test('of an idle client end its connection with too_many_pings', async () => {
    await using gateway = await openTestGateway()
    using client = grpcClient(gateway.grpcAddress)
    using noisy = await rawHttp2(gateway.grpcAddress)
    for (let i = 0; i < 90; i++) noisy.send(ping())
    await waitFor(
      '90 acknowledgements',
      () => noisy.frames.filter(({ type }) => type === frameTypes.ping).length,
      (count) => count === 90,
    )
    expect(noisy.isClosed).toBe(false)
    for (let i = 0; i < 30; i++) noisy.send(ping())
    await waitFor('connection closed', () => noisy.isClosed)
    const away = noisy.frames.find(({ type }) => type === frameTypes.goaway)
    expect(away?.body.readUInt32BE(4)).toBe(0xb)
    expect(away?.body.subarray(8).toString()).toBe('too_many_pings')
    expect(await client.unary(calls.getVersion, {})).toMatchObject({ version: '0.1.0' })
  }, 30_000)

  test('in a flood end only their own connection', async () => {
    await using gateway = await openTestGateway()
    using client = grpcClient(gateway.grpcAddress)
    using noisy = await rawHttp2(gateway.grpcAddress)
    const thousand = Buffer.concat(Array.from({ length: 1000 }, () => ping()))
    for (let i = 0; i < 100 && !noisy.isClosed; i++) noisy.send(thousand)
    await waitFor('connection closed', () => noisy.isClosed)
    expect(await client.unary(calls.getVersion, {})).toMatchObject({ version: '0.1.0' })
  }, 30_000)

  test('that measure a download are accepted', async () => {
    await using gateway = await openTestGateway()
    using client = grpcClient(gateway.grpcAddress)
    const file = new Uint8Array(2 * 2 ** 20)
    file.set(await sampleImage({ width: 300, height: 200 }))
    const image = (await uploadWhole(client, file))?.id ?? ''
    using measuring = await rawHttp2(gateway.grpcAddress)
    const request = create(DownloadRequestSchema, { source: { case: 'image', value: image } })
    const path = '/pixelflow.v1.ImageService/Download'
    let taken = 0
    let pings = 0
    measuring.onFrame(({ type, body }) => {
      if (type !== frameTypes.data) return
      taken += body.length
      pings += 1
      const more = Buffer.alloc(4)
      more.writeUInt32BE(body.length)
      const windows = [0, 1].map((stream) => frame(frameTypes.windowUpdate, 0, stream, more))
      measuring.send(...(body.length > 0 ? windows : []), ping())
    })
    measuring.send(
      startCall(1, path, gateway.grpcAddress),
      message(1, toBinary(DownloadRequestSchema, request)),
    )
    await waitFor(
      'whole file received',
      () => taken,
      (bytes) => bytes > file.length,
    )
    expect(pings).toBeGreaterThan(110)
    expect(measuring.isClosed).toBe(false)
  }, 30_000)
})

describe('the maximum connection age', () => {
  test('moves watches to another connection and lets uploads finish', async () => {
    await using gateway = await openTestGateway({ env: { PIXELFLOW_GRPC_MAX_CONNECTION_AGE: '1s' } })
    using client = grpcClient(gateway.grpcAddress, { 'grpc.enable_retries': 0 })
    const photo = new Uint8Array(40 * 1024)
    photo.set(await sampleImage({ width: 30, height: 30 }))
    const image = (await uploadWhole(client, photo))?.id ?? ''
    const { task } = await client.unary(calls.createTask, { image, recipe })
    const id = task?.id ?? ''

    const uploading = slowUpload(client, photo, 3500)
    const seen: string[] = []
    let moves = 0
    const watching = (async () => {
      while (moves < 20) {
        const watch = client.serverStream(calls.watchTask, { id, after: seen.at(-1) ?? '' })
        const finished = (async () => {
          for await (const { event } of watch) seen.push(event?.token ?? '')
        })()
        const outcome = await finished.then(
          () => 'finished' as const,
          () => failure(finished),
        )
        if (outcome === 'finished') return
        // The status that tells a client to resume with its last token.
        expect(outcome.code).toBe(14)
        expect(JSON.stringify(outcome.status?.details.map((one) => one.typeUrl))).toContain('RetryInfo')
        moves += 1
      }
    })()
    const appended: number[] = []
    for (let attempt = 1; attempt <= 90; attempt++) {
      appended.push(await gateway.advance(id, 'started', { status: 'running', attempt }))
      // The events continue for several connection ages.
      await Bun.sleep(40)
    }
    await client.unary(calls.cancelTask, { id })
    await watching
    expect(moves).toBeGreaterThanOrEqual(2)
    // `queued`, all appended events, and `cancelled`, each once and in order.
    expect(seen).toHaveLength(appended.length + 2)
    expect(new Set(seen).size).toBe(seen.length)
    expect((await uploading)?.sha256).toBe(digestOf(photo))
    await waitForActiveCalls(gateway, 0)
  }, 60_000)
})

/** Uploads a file in pieces over this time. */
async function slowUpload(client: ReturnType<typeof grpcClient>, file: Uint8Array, overMs: number) {
  const { call, reply, send } = client.upload()
  await send({ case: 'metadata', value: { mediaType: 'image/jpeg' } })
  const piece = Math.ceil(file.length / 20)
  for (let at = 0; at < file.length; at += piece) {
    await send({ case: 'chunk', value: file.subarray(at, at + piece) })
    await Bun.sleep(overMs / 20)
  }
  await send({ case: 'commit', value: { bytes: BigInt(file.length), sha256: digestOf(file) } })
  call.end()
  return (await reply).image
}

test('connections that close at their maximum age cause no error', async () => {
  await using gateway = await openTestGateway({ env: { PIXELFLOW_GRPC_MAX_CONNECTION_AGE: '1s' } })
  const all = await Promise.all(Array.from({ length: 200 }, () => rawHttp2(gateway.grpcAddress)))
  // The age of the connections is what matters: the clients disconnect one after the other, shortly before and after the
  // server closes their connections.
  await Bun.sleep(880)
  for (const one of all) {
    one.socket.destroy()
    await Bun.sleep(1)
  }
  await stays('no error is logged', () => gateway.logs.every(({ level }) => level !== 'error'), 500)
  using client = grpcClient(gateway.grpcAddress)
  expect(await client.unary(calls.getVersion, {})).toMatchObject({ version: '0.1.0' })
}, 30_000)

describe('calls that are reset at once', () => {
  test('leave no state behind', async () => {
    await using gateway = await openTestGateway()
    using client = grpcClient(gateway.grpcAddress)
    using resetting = await rawHttp2(gateway.grpcAddress)
    const before = process.memoryUsage.rss()
    const path = '/pixelflow.v1.ImageService/GetVersion'
    for (let i = 0; i < 200 && !resetting.isClosed; i++) {
      const some = Array.from({ length: 100 }, (_, at) => {
        const stream = 2 * (i * 100 + at) + 1
        return Buffer.concat([startCall(stream, path, gateway.grpcAddress), reset(stream)])
      })
      resetting.send(...some)
      // The server runs in this process and reads now.
      await Bun.sleep(0)
    }
    await waitForActiveCalls(gateway, 0)
    expect(await client.unary(calls.getVersion, {}, { deadlineMs: 5000 })).toMatchObject({ version: '0.1.0' })
    expect(process.memoryUsage.rss() - before).toBeLessThan(150 * 2 ** 20)
  }, 60_000)
})
