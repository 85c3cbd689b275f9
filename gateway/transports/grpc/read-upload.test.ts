import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from 'bun:test'
import { ImageService } from '@pixelflow/proto/pixelflow/v1/image_pb'
import { sampleImage } from '@pixelflow/testkit/images'
import { waitFor } from '@pixelflow/testkit/wait-for'
import { openTestGateway, type TestGateway } from '../../testing/test-gateway.ts'
import {
  digestOf,
  failure,
  grpcClient,
  uploadWhole,
  type GrpcClient,
  type UploadCall,
} from '../../testing/grpc-client.ts'

// Longer than `waitFor` waits, so that its error is shown.
setDefaultTimeout(20_000)

let gateway: TestGateway
let client: GrpcClient
let photo: Uint8Array
let before: Awaited<ReturnType<TestGateway['messages']>>

beforeAll(async () => {
  gateway = await openTestGateway({
    env: { PIXELFLOW_UPLOAD_IDLE_TIMEOUT: '1s', PIXELFLOW_MAX_UPLOAD_BYTES: '8MiB' },
  })
  client = grpcClient(gateway.grpcAddress)
  const image = await sampleImage({ width: 1200, height: 900 })
  // Data after the image is allowed; the test needs a file of several stored chunks.
  photo = new Uint8Array(1024 * 1024)
  crypto.getRandomValues(photo.subarray(0, 65_536))
  photo.set(image)
  before = await gateway.messages()
}, 60_000)
afterAll(async () => {
  client[Symbol.dispose]()
  await gateway[Symbol.asyncDispose]()
})

async function begin(mediaType = 'image/jpeg', bytes?: bigint): Promise<UploadCall> {
  const uploading = client.upload()
  await uploading.send({ case: 'metadata', value: { mediaType, ...(bytes === undefined ? {} : { bytes }) } })
  return uploading
}

async function chunks({ send }: UploadCall, bytes: Uint8Array): Promise<void> {
  for (let at = 0; at < bytes.length; at += 65_536) {
    await send({ case: 'chunk', value: bytes.subarray(at, at + 65_536) })
  }
}

const commitOf = (bytes: Uint8Array, change: { bytes?: bigint; sha256?: string } = {}) => ({
  case: 'commit' as const,
  value: { bytes: BigInt(bytes.length), sha256: digestOf(bytes), ...change },
})

describe('a failed upload stores nothing', () => {
  const nothing = async () => expect(await gateway.messages()).toEqual(before)
  const allDeleted = () =>
    waitFor('stored chunks deleted', gateway.messages, (messages) => Bun.deepEquals(messages, before))

  test('without a commit', async () => {
    const uploading = await begin()
    await chunks(uploading, photo)
    uploading.call.end()
    expect(await failure(uploading.reply)).toMatchObject({ code: 15 })
    await nothing()
  })

  test('that is cancelled', async () => {
    const uploading = await begin()
    await chunks(uploading, photo)
    uploading.call.cancel()
    expect(await failure(uploading.reply)).toMatchObject({ code: 1 })
    const method = 'pixelflow.v1.ImageService/Upload'
    await waitFor('cancellation logged', () =>
      gateway.logs.find((line) => line['code'] === 'truncated_upload' && line['method'] === method),
    )
    await allDeleted()
  })

  test('whose client has left', async () => {
    using other = grpcClient(gateway.grpcAddress)
    const uploading = other.upload()
    await uploading.send({ case: 'metadata', value: { mediaType: 'image/jpeg' } })
    await chunks(uploading, photo)
    other.client.getChannel().close()
    uploading.call.cancel()
    await allDeleted()
  })

  test.each([
    ['another digest', { sha256: 'a'.repeat(64) }, 3, 'commit.sha256'],
    ['an invalid digest', { sha256: 'abc' }, 3, 'commit.sha256'],
    ['fewer bytes', { bytes: 5n }, 3, 'commit.bytes'],
    ['more bytes', { bytes: 1n << 40n }, 15, undefined],
  ])('whose commit has %s', async (_, change, code, field) => {
    const uploading = await begin()
    await chunks(uploading, photo)
    await uploading.send(commitOf(photo, change))
    uploading.call.end()
    const failed = await failure(uploading.reply)
    expect(failed.code).toBe(code)
    const details = Buffer.concat((failed.status?.details ?? []).map((one) => one.value)).toString()
    if (field !== undefined) expect(details).toContain(field)
    await nothing()
  })

  test.each([-1n, 0n, 5n, 1024n * 1024n + 1n])('whose metadata declares %d bytes', async (bytes) => {
    const uploading = await begin('image/jpeg', bytes)
    await chunks(uploading, photo)
    await uploading.send(commitOf(photo))
    uploading.call.end()
    const failed = await failure(uploading.reply)
    expect(failed.code).toBe(3)
    const details = Buffer.concat((failed.status?.details ?? []).map((one) => one.value)).toString()
    expect(details).toContain('metadata.bytes')
    await nothing()
  })

  test('that pauses for too long', async () => {
    const uploading = await begin()
    await chunks(uploading, photo.subarray(0, 200_000))
    expect(await failure(uploading.reply)).toMatchObject({ code: 15 })
    await nothing()
  })

  test('with a message after the commit', async () => {
    const uploading = await begin()
    await chunks(uploading, photo)
    await uploading.send(commitOf(photo))
    await uploading.send({ case: 'chunk', value: photo.subarray(0, 10) })
    uploading.call.end()
    expect(await failure(uploading.reply)).toMatchObject({ code: 3 })
    await nothing()
  })

  test('that does not start with metadata', async () => {
    const uploading = client.upload()
    await uploading.send({ case: 'chunk', value: photo })
    expect(await failure(uploading.reply)).toMatchObject({ code: 3 })
    await nothing()
  })
})

describe('an upload is refused early', () => {
  test('for an unknown media type, a size that is too large, and bytes that are not an image', async () => {
    expect(await failure((await begin('text/plain')).reply)).toMatchObject({ code: 3 })
    expect(await failure((await begin('image/jpeg', 1n << 40n)).reply)).toMatchObject({ code: 8 })
    const uploading = await begin('image/png')
    await uploading.send({ case: 'chunk', value: new Uint8Array(65_536) })
    expect(await failure(uploading.reply)).toMatchObject({ code: 3 })
  })

  test('and its connection continues, however much the client still sends', async () => {
    for (let round = 0; round < 4; round++) {
      const uploading = await begin('text/plain')
      // Each round sends a full connection window that the server does not read.
      await chunks(uploading, new Uint8Array(4 * 1024 * 1024))
      expect(await failure(uploading.reply)).toMatchObject({ code: 3 })
    }
    expect(await client.unary(ImageService.method.getVersion, {}, { deadlineMs: 5000 })).toMatchObject({
      version: '0.1.0',
    })
    expect((await uploadWhole(client, photo))?.bytes).toBe(BigInt(photo.length))
  })
})
