import { afterAll, beforeAll, expect, test } from 'bun:test'
import { ImageService } from '@pixelflow/proto/pixelflow/v1/image_pb'
import { openTestGateway, until, type TestGateway } from '../../../testing/gateway.ts'
import { grpcClient } from '../../../testing/grpc.ts'
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
