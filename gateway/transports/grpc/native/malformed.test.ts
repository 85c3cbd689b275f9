import { connect, type IncomingHttpHeaders } from 'node:http2'
import { afterAll, beforeAll, expect, test } from 'bun:test'
import { status } from '@grpc/grpc-js'
import { ImageService } from '@pixelflow/proto/pixelflow/v1/image_pb'
import { openTestGateway, until, type TestGateway } from '../../../testing/test-gateway.ts'
import { failure, grpcClient } from '../../../testing/grpc.ts'
import { frame, frameTypes, message, rawHttp2, reset, startCall } from '../../../testing/http2.ts'

const endStream = 1
const endHeaders = 4
const stream = 1
let gateway: TestGateway
beforeAll(async () => {
  gateway = await openTestGateway()
}, 60_000)
afterAll(() => gateway?.[Symbol.asyncDispose]())

const noMessage = new Uint8Array([0xff, 0xff, 0xff])
const empty = new Uint8Array()
const head = (bytes: number, flag = 0) => {
  const made = Buffer.alloc(5)
  made[0] = flag
  made.writeUInt32BE(bytes, 1)
  return made
}
const data = (bytes: Uint8Array, flags = endStream) => frame(frameTypes.data, flags, stream, bytes)

// None of these may hurt anybody else; an error that nobody catches would end this test's process.
const cases: Record<string, readonly Uint8Array[]> = {
  'no message at all': [data(empty)],
  'a message that is none': [message(stream, noMessage)],
  'a message that is none, and its end later': [message(stream, noMessage, 0), data(empty)],
  'two messages where one is expected': [message(stream, empty, 0), message(stream, empty)],
  'a message that is said to be 4 GB': [data(Buffer.concat([head(2 ** 32 - 1), Buffer.alloc(100)]))],
  'half a message': [data(Buffer.concat([head(100), Buffer.alloc(50)]))],
  'a message packed with nothing known': [data(Buffer.concat([head(3, 1), noMessage]))],
  'a flag that does not exist': [data(Buffer.concat([head(0, 7)]))],
  'a message, and gone': [message(stream, empty), reset(stream)],
  'gone in the middle of a message': [data(head(100), 0), reset(stream)],
  'more after the end': [message(stream, empty), message(stream, empty)],
}

test.each(Object.keys(cases))(
  '%s: in each kind of call',
  async (name) => {
    for (const method of ['GetTask', 'WatchTask', 'Upload', 'ProcessImage', 'Tune']) {
      using client = await rawHttp2(gateway.grpcAddress)
      const start = startCall(stream, `/pixelflow.v1.ImageService/${method}`, gateway.grpcAddress, endHeaders)
      client.send(start, ...(cases[name] ?? []))
      const isAnswered = () =>
        client.isClosed ||
        client.frames.some(
          ({ type, flags }) => type === frameTypes.reset || (type < 2 && (flags & endStream) !== 0),
        )
      if (!name.includes('gone')) await until(isAnswered)
    }
    using fine = grpcClient(gateway.grpcAddress)
    expect(await fine.unary(ImageService.method.getVersion, {})).toMatchObject({ version: '0.1.0' })
    await until(async () => {
      const health = (await (await gateway.call('/health/')).json()) as { load: { calls: number } }
      return health.load.calls === 0
    })
  },
  60_000,
)

const noMessages: Record<string, Uint8Array> = {
  'bytes that are no fields': noMessage,
  'a field cut off': new Uint8Array([0x0a, 0x7f, 1]),
  'text that is not UTF-8': new Uint8Array([0x0a, 2, 0xc3, 0x28]),
}

test.each(Object.keys(noMessages))('%s: the client hears that its message is at fault', async (name) => {
  using client = grpcClient(gateway.grpcAddress)
  const bytes = Buffer.from(noMessages[name] ?? empty)
  for (const method of ['GetTask', 'Upload', 'WatchTask', 'Tune']) {
    const path = `/pixelflow.v1.ImageService/${method}`
    const isStream = method !== 'GetTask'
    const call = isStream
      ? client.client.makeBidiStreamRequest(
          path,
          () => bytes,
          (made) => made,
        )
      : undefined
    call?.write({})
    call?.resume()
    const refused = await failure(
      call
        ? new Promise((_, reject) => void call.on('error', reject))
        : new Promise((resolve, reject) =>
            client.client.makeUnaryRequest(
              path,
              () => bytes,
              (made) => made,
              {},
              (error, answer) => (error ? reject(error) : resolve(answer)),
            ),
          ),
    )
    expect({ method, code: refused.code }).toEqual({ method, code: status.INVALID_ARGUMENT })
    expect(refused.details).toStartWith('The message cannot be decoded: ')
    expect(refused.metadata.get('x-request-id')).toHaveLength(1)
    expect(refused.status?.details.map(({ typeUrl }) => typeUrl)).toContain(
      'type.googleapis.com/google.rpc.ErrorInfo',
    )
  }
})

test('a compressed message that is damaged is refused likewise', async () => {
  const client = connect(`http://${gateway.grpcAddress}`)
  const call = client.request({
    ':method': 'POST',
    ':path': '/pixelflow.v1.ImageService/GetTask',
    'content-type': 'application/grpc',
    'grpc-encoding': 'gzip',
    te: 'trailers',
  })
  const told = new Promise<IncomingHttpHeaders>((resolve) => {
    call.on('response', (headers) => headers['grpc-status'] !== undefined && resolve(headers))
    call.on('trailers', resolve)
  })
  call.resume().end(Buffer.concat([head(3, 1), noMessage]))
  expect(await told).toMatchObject({
    'grpc-status': String(status.INVALID_ARGUMENT),
    'grpc-status-details-bin': expect.any(String),
  })
  client.close()
})
