import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from 'bun:test'
import { create, fromBinary, toBinary, type MessageInitShape, type MessageShape } from '@bufbuild/protobuf'
import { Code, ConnectError } from '@connectrpc/connect'
import * as grpc from '@grpc/grpc-js'
import { Fault } from '@pixelflow/core/fault'
import {
  ImageService,
  ProcessImageRequestSchema,
  ProcessImageResponseSchema,
  type ProcessedImage,
} from '@pixelflow/proto/pixelflow/v1/image_pb'
import { waitFor } from '@pixelflow/testkit/wait-for'
import type { TestGateway } from '../../testing/test-gateway.ts'
import { openProcessFixture, type ProcessFixture } from '../../testing/process-fixture.ts'
import { digestOf, failure, grpcClient, type GrpcClient } from '../../testing/grpc-client.ts'
import { respondWith, type ImageHandler, type ReceivedImage } from '../../testing/stub-actor.ts'
import { completeTask } from '../../testing/complete-task.ts'
import { envelope } from '../../testing/envelope.ts'
import { webClient, type WebProtocol } from '../../testing/web-client.ts'

// Longer than `waitFor` waits, so that its error is shown.
setDefaultTimeout(20_000)

/** Synchronous processing over every protocol of the proto; the test is the actor. */

let processing: ProcessFixture
let gateway: TestGateway
let client: GrpcClient
let photo: Uint8Array
let result: Uint8Array
beforeAll(async () => {
  processing = await openProcessFixture({ PIXELFLOW_UPLOAD_IDLE_TIMEOUT: '1s' })
  ;({ gateway, photo } = processing)
  client = grpcClient(gateway.grpcAddress)
  result = new Uint8Array(700_000).map((_, i) => (i * 7) & 255)
}, 60_000)
afterAll(async () => {
  client?.[Symbol.dispose]()
  await processing?.[Symbol.asyncDispose]()
})

const recipe = { kind: { case: 'stringValue' as const, value: 'resize:10/format:webp' } }

const actor = (handler: ImageHandler = respondWith(result), seen?: ReceivedImage[]) =>
  processing.actor(handler, seen)

type Data = MessageInitShape<typeof ProcessImageRequestSchema>['data']
const metadata = (change: { output?: string; recipe?: typeof recipe } = {}) =>
  ({ case: 'metadata', value: { mediaType: 'image/jpeg', recipe, ...change } }) as const
const chunk = (value: Uint8Array) => ({ case: 'chunk', value }) as const
const commit = (bytes: Uint8Array, sha256 = digestOf(bytes)) =>
  ({ case: 'commit', value: { bytes: BigInt(bytes.length), sha256 } }) as const

function begin() {
  const call = client.client.makeBidiStreamRequest(
    '/pixelflow.v1.ImageService/ProcessImage',
    (message: MessageShape<typeof ProcessImageRequestSchema>) =>
      Buffer.from(toBinary(ProcessImageRequestSchema, message)),
    (bytes: Buffer) => fromBinary(ProcessImageResponseSchema, bytes),
    new grpc.Metadata(),
  )
  call.on('error', () => {})
  return call
}

async function process(pieces: Data[]): Promise<{ about: ProcessedImage | undefined; bytes: Uint8Array }> {
  const call = begin()
  for (const data of pieces) call.write(create(ProcessImageRequestSchema, data === undefined ? {} : { data }))
  call.end()
  const chunks: Uint8Array[] = []
  let about: ProcessedImage | undefined
  for await (const { data } of call as AsyncIterable<MessageShape<typeof ProcessImageResponseSchema>>) {
    if (data.case === 'result') about = data.value
    if (data.case === 'chunk') chunks.push(data.value)
  }
  return { about, bytes: Buffer.concat(chunks) }
}

describe('ProcessImage', () => {
  test('receives an image and returns the result, and stores neither', async () => {
    const before = await gateway.messages()
    const seen: ReceivedImage[] = []
    await using _ = actor(respondWith(result), seen)
    const half = photo.length >> 1
    const { about, bytes } = await process([
      metadata(),
      chunk(photo.subarray(0, half)),
      chunk(photo.subarray(half)),
      commit(photo),
    ])
    expect(about).toMatchObject({
      format: 'webp',
      mediaType: 'image/webp',
      bytes: BigInt(result.length),
      sha256: digestOf(result),
      width: 12,
      height: 34,
      fileName: 'image.webp',
      task: '',
    })
    expect(digestOf(bytes)).toBe(digestOf(result))
    expect(seen.map((one) => [one.account, digestOf(one.source)])).toEqual([['local', digestOf(photo)]])
    expect(await gateway.messages()).toEqual(before)
  })

  test('refuses truncated, damaged and invalid images, and what the actor refuses', async () => {
    const before = await gateway.messages()
    const seen: ReceivedImage[] = []
    await using _ = actor(async () => {
      throw new Fault('corrupt_image', 'It is damaged.')
    }, seen)
    const start = [metadata(), chunk(photo)]
    expect(await failure(process(start))).toMatchObject({ code: 15 })
    expect(await failure(process([...start, commit(photo, digestOf(result))]))).toMatchObject({ code: 3 })
    expect(await failure(process([metadata(), chunk(result), commit(result)]))).toMatchObject({ code: 3 })
    expect(await failure(process([chunk(photo), commit(photo)]))).toMatchObject({ code: 3 })
    // The same holds for an image that is too large for memory.
    const large = Buffer.concat([photo, new Uint8Array(2 ** 21)])
    const pieces = [metadata(), chunk(large.subarray(0, 2 ** 20)), chunk(large.subarray(2 ** 20))]
    expect(await failure(process(pieces))).toMatchObject({ code: 15 })
    expect(await failure(process([...pieces, commit(large, digestOf(photo))]))).toMatchObject({ code: 3 })
    expect(seen).toEqual([])
    expect(await failure(process([...start, commit(photo)]))).toMatchObject({
      code: 3,
      details: 'It is damaged.',
    })
    expect((await gateway.messages()).records).toBe(before.records)
  })

  test('needs `output` for a recipe with several outputs, and is refused before the file arrives', async () => {
    const call = begin()
    const several = {
      kind: {
        case: 'stringValue' as const,
        value: '{"steps":[],"outputs":{"a":{"steps":[]},"b":{"steps":[]}}}',
      },
    }
    call.write(create(ProcessImageRequestSchema, { data: metadata({ recipe: several }) }))
    const refused = await new Promise<grpc.ServiceError>((resolve) => call.on('error', resolve))
    expect(refused.code).toBe(grpc.status.INVALID_ARGUMENT)
  })

  test('cancels the work when its client leaves', async () => {
    const begun = Promise.withResolvers<void>()
    const broken = Promise.withResolvers<void>()
    await using _ = actor(async (session) => {
      session.broken.addEventListener('abort', () => broken.resolve())
      begun.resolve()
      await broken.promise
    })
    const call = begin()
    for (const data of [metadata(), chunk(photo), commit(photo)])
      call.write(create(ProcessImageRequestSchema, { data }))
    call.end()
    await begun.promise
    call.cancel()
    await broken.promise
  })

  test('of a large image returns the id of its task', async () => {
    const large = Buffer.concat([photo, new Uint8Array(2 ** 21)])
    const answered = process([
      metadata(),
      chunk(large.subarray(0, 2 ** 20)),
      chunk(large.subarray(2 ** 20)),
      commit(large),
    ])
    const findTask = async () =>
      (await client.unary(ImageService.method.listTasks, { limit: 1 })).items[0]?.id ?? ''
    const id = await waitFor('task created', findTask)
    await completeTask(gateway, id, result)
    const { about, bytes } = await answered
    expect(about?.task).toBe(id)
    expect(digestOf(bytes)).toBe(digestOf(result))
  })
})

describe('ProcessImageUnary', () => {
  test.each([
    ['native', () => client.unary(ImageService.method.processImageUnary, { image: photo, recipe })],
    ['Connect', () => processOver('Connect')({ image: photo, recipe })],
    ['gRPC-Web', () => processOver('gRPC-Web')({ image: photo, recipe })],
  ] as const)('returns the result in one message over %s', async (_, call) => {
    await using __ = actor()
    const { result: about, image } = await call()
    expect(about).toMatchObject({ mediaType: 'image/webp', width: 12, height: 34 })
    expect(digestOf(image)).toBe(digestOf(result))
  })

  test('reports a result that is too large for one message, and no image', async () => {
    const large = new Uint8Array(5 * 2 ** 20)
    await using _ = actor(respondWith(large))
    const { processImageUnary } = ImageService.method
    const refused = await failure(client.unary(processImageUnary, { image: photo, recipe }))
    expect(refused.code).toBe(8)
    expect(refused.details).toContain('bytes')
    const empty = await failure(client.unary(processImageUnary, { image: new Uint8Array(0), recipe }))
    expect(empty.code).toBe(3)
    const missing = await processOver('Connect')({ image: photo }).catch((error: unknown) => error)
    expect(ConnectError.from(missing).code).toBe(Code.InvalidArgument)
  })

  function processOver(protocol: WebProtocol) {
    return webClient(ImageService, protocol, gateway).processImageUnary
  }
})

test('ProcessImage half-duplex over Connect: the whole request stream, then the whole response stream', async () => {
  await using _ = actor()
  const pieces = [metadata(), chunk(photo), commit(photo)]
  const body = Buffer.concat(
    pieces.map((data) =>
      envelope(toBinary(ProcessImageRequestSchema, create(ProcessImageRequestSchema, { data }))),
    ),
  )
  const response = await gateway.call('/pixelflow.v1.ImageService/ProcessImage', {
    method: 'POST',
    body,
    headers: { 'content-type': 'application/connect+proto', 'connect-protocol-version': '1' },
  })
  const bytes = Buffer.from(await response.arrayBuffer())
  const chunks: Uint8Array[] = []
  for (let at = 0; at < bytes.length; at += 5 + bytes.readUInt32BE(at + 1)) {
    if (bytes[at] !== 0) continue
    const { data } = fromBinary(
      ProcessImageResponseSchema,
      bytes.subarray(at + 5, at + 5 + bytes.readUInt32BE(at + 1)),
    )
    if (data.case === 'chunk') chunks.push(data.value)
  }
  expect(digestOf(Buffer.concat(chunks))).toBe(digestOf(result))
})
