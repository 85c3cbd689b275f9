import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { once } from 'node:events'
import type { ConnectionOptions } from 'node:tls'
import { ImageService } from '@pixelflow/proto/pixelflow/v1/image_pb'
import { sampleImage } from '@pixelflow/testkit/images'
import { grpcCredentials, makeCertificates, type TestCertificates } from '../../../testing/certificates.ts'
import { openTestGateway, until, type TestGateway } from '../../../testing/gateway.ts'
import { grpcClient, uploadWhole } from '../../../testing/grpc.ts'
import { frame, frameTypes as types, ping, rawHttp2, reset, startCall } from '../../../testing/http2.ts'

const calls = ImageService.method
const upload = '/pixelflow.v1.ImageService/UploadImage'
const getVersion = '/pixelflow.v1.ImageService/GetVersion'
const enhanceYourCalm = 0xb
const one = Buffer.from([0, 0, 0, 1])
const setting = Buffer.from([0, 4, 0, 1, 0, 0])

/** What a connection begins with, and the frame that it then sends on and on; `at` counts from 0. */
interface Flood {
  readonly begin?: (address: string) => Uint8Array
  readonly frame: (at: number, address: string) => Uint8Array
}

const opened = (address: string) => startCall(1, upload, address)
const floods: Record<string, Flood> = {
  SETTINGS: { frame: () => frame(types.settings, 0, 0) },
  'SETTINGS that change the window': { frame: () => frame(types.settings, 0, 0, setting) },
  'acknowledgements of SETTINGS': { frame: () => frame(types.settings, 1, 0) },
  PING: { frame: () => ping() },
  PRIORITY: { frame: (at) => frame(types.priority, 0, 2 * at + 3, Buffer.alloc(5)) },
  'WINDOW_UPDATE of the connection': { frame: () => frame(types.windowUpdate, 0, 0, one) },
  'WINDOW_UPDATE of a stream': { begin: opened, frame: () => frame(types.windowUpdate, 0, 1, one) },
  'empty DATA': { begin: opened, frame: () => frame(types.data, 0, 1) },
  'DATA of one byte': { begin: opened, frame: () => frame(types.data, 0, 1, one.subarray(0, 1)) },
  'empty CONTINUATION': {
    begin: (address) => startCall(1, upload, address, 0),
    frame: () => frame(types.continuation, 0, 1),
  },
  'long CONTINUATION': {
    begin: (address) => startCall(1, upload, address, 0),
    frame: () => frame(types.continuation, 0, 1, Buffer.alloc(16_000)),
  },
  'RST_STREAM of calls just begun': {
    frame: (at, address) => Buffer.concat([startCall(2 * at + 1, getVersion, address), reset(2 * at + 1)]),
  },
  'frames of an unknown type': { frame: () => frame(0x42, 0, 0) },
}

const framesAtOnce = 2000
const mostFrames = 400_000

/** Sends the flood until the server ends the connection, and tells how. */
async function send({ begin, frame: next }: Flood, address: string, tls?: ConnectionOptions) {
  using client = await rawHttp2(address, tls)
  if (begin) client.send(begin(address))
  const away = () => client.frames.find(({ type }) => type === types.goaway)
  for (let at = 0; at < mostFrames && !client.isClosed && !away(); at += framesAtOnce) {
    const some = Array.from({ length: framesAtOnce }, (_, i) => next(at + i, address))
    if (!client.socket.write(Buffer.concat(some))) {
      const drained = once(client.socket, 'drain').catch(() => {})
      await Promise.race([drained, until(() => client.isClosed || away() !== undefined, 30_000)])
    }
  }
  await until(() => client.isClosed, 30_000)
  return { code: away()?.body.readUInt32BE(4), why: away()?.body.subarray(8).toString() }
}

let certificates: TestCertificates
let plain: TestGateway
let secure: TestGateway
beforeAll(async () => {
  certificates = await makeCertificates()
  plain = await openTestGateway()
  secure = await openTestGateway({ env: { ...certificates.env, PIXELFLOW_TLS_CLIENT_AUTH: 'optional' } })
}, 60_000)
afterAll(async () => {
  await plain?.[Symbol.asyncDispose]()
  await secure?.[Symbol.asyncDispose]()
  await certificates?.[Symbol.asyncDispose]()
})

describe.each(Object.entries(floods))('a flood of %s', (_, flood) => {
  test('ends its own connection, and others are served meanwhile', async () => {
    using client = grpcClient(plain.grpcAddress)
    const [ended] = await Promise.all([send(flood, plain.grpcAddress), client.unary(calls.getVersion, {})])
    expect(ended).toMatchObject({ code: enhanceYourCalm, why: expect.stringContaining('too') as string })
    expect(await client.unary(calls.getVersion, {})).toMatchObject({ version: '0.1.0' })
  }, 60_000)

  test('over TLS, too', async () => {
    const address = secure.grpcAddress.replace('127.0.0.1', 'localhost')
    using client = grpcClient(address, {}, grpcCredentials(certificates.authority))
    const tls = { ca: certificates.authority.certificate, servername: 'localhost' }
    expect(await send(flood, address, tls)).toMatchObject({ code: enhanceYourCalm })
    expect(await client.unary(calls.getVersion, {})).toMatchObject({ version: '0.1.0' })
  }, 60_000)
})

test('a client with thousands of calls and an upload on one connection is not cut off', async () => {
  using client = grpcClient(plain.grpcAddress, { 'grpc.enable_retries': 0 })
  const photo = new Uint8Array(16 * 2 ** 20)
  photo.set(await sampleImage({ width: 64, height: 64 }))
  const uploading = uploadWhole(client, photo)
  for (let round = 0; round < 40; round++) {
    await Promise.all(Array.from({ length: 250 }, () => client.unary(calls.getVersion, {})))
  }
  expect((await uploading)?.bytes).toBe(BigInt(photo.length))
}, 60_000)
