import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { ImageService } from '@pixelflow/proto/pixelflow/v1/image_pb'
import { sampleImage } from '@pixelflow/testkit/images'
import {
  grpcCredentials,
  createTestCertificates,
  type TestCertificates,
} from '../../../testing/test-certificates.ts'
import { frameFloods, sendFrames } from '../../../testing/flood-frames.ts'
import { openTestGateway, type TestGateway } from '../../../testing/test-gateway.ts'
import { grpcClient, uploadWhole } from '../../../testing/grpc-client.ts'

const calls = ImageService.method
const enhanceYourCalm = 0xb

let certificates: TestCertificates
let plain: TestGateway
let secure: TestGateway
beforeAll(async () => {
  certificates = await createTestCertificates()
  plain = await openTestGateway()
  secure = await openTestGateway({ env: { ...certificates.env, PIXELFLOW_TLS_CLIENT_AUTH: 'optional' } })
}, 60_000)
afterAll(async () => {
  await plain?.[Symbol.asyncDispose]()
  await secure?.[Symbol.asyncDispose]()
  await certificates?.[Symbol.asyncDispose]()
})

describe.each(Object.entries(frameFloods))('a flood of %s', (_, flood) => {
  test('ends its own connection, and other connections are served meanwhile', async () => {
    using client = grpcClient(plain.grpcAddress)
    const [ended] = await Promise.all([
      sendFrames(flood, plain.grpcAddress),
      client.unary(calls.getVersion, {}),
    ])
    expect(ended).toMatchObject({ code: enhanceYourCalm, reason: expect.stringContaining('too') as string })
    expect(await client.unary(calls.getVersion, {})).toMatchObject({ version: '0.1.0' })
  }, 60_000)

  test('ends its own connection over TLS', async () => {
    const address = secure.grpcAddress.replace('127.0.0.1', 'localhost')
    using client = grpcClient(address, {}, grpcCredentials(certificates.authority))
    const tls = { ca: certificates.authority.certificate, servername: 'localhost' }
    expect(await sendFrames(flood, address, tls)).toMatchObject({ code: enhanceYourCalm })
    expect(await client.unary(calls.getVersion, {})).toMatchObject({ version: '0.1.0' })
  }, 60_000)
})

test('a client with thousands of calls and an upload on one connection is not ended', async () => {
  using client = grpcClient(plain.grpcAddress, { 'grpc.enable_retries': 0 })
  const photo = new Uint8Array(16 * 2 ** 20)
  photo.set(await sampleImage({ width: 64, height: 64 }))
  const uploading = uploadWhole(client, photo)
  for (let round = 0; round < 40; round++) {
    await Promise.all(Array.from({ length: 250 }, () => client.unary(calls.getVersion, {})))
  }
  expect((await uploading)?.bytes).toBe(BigInt(photo.length))
}, 60_000)
