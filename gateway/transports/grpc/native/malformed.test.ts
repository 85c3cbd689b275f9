import { connect, type IncomingHttpHeaders } from 'node:http2'
import { expect, test } from 'bun:test'
import { status } from '@grpc/grpc-js'
import { ImageService } from '@pixelflow/proto/pixelflow/v1/image_pb'
import { waitFor } from '@pixelflow/testkit/wait-for'
import { useFixture } from '@pixelflow/testkit/use-fixture'
import { openTestGateway, type TestGateway } from '../../../testing/test-gateway.ts'
import { failure, grpcClient } from '../../../testing/grpc-client.ts'
import { frame, frameTypes, message, rawHttp2, reset, startCall } from '../../../testing/raw-http2.ts'
import { readLoad } from '../../../testing/read-load.ts'

const endStream = 1
const endHeaders = 4
const stream = 1
let gateway: TestGateway
useFixture(openTestGateway, (opened) => (gateway = opened))

const invalidMessage = new Uint8Array([0xff, 0xff, 0xff])
const empty = new Uint8Array()
const messagePrefix = (bytes: number, flag = 0) => {
  const prefix = Buffer.alloc(5)
  prefix[0] = flag
  prefix.writeUInt32BE(bytes, 1)
  return prefix
}
const data = (bytes: Uint8Array, flags = endStream) => frame(frameTypes.data, flags, stream, bytes)

// No case may affect other connections. An uncaught error would end the process of this test.
const cases: Record<string, readonly Uint8Array[]> = {
  'no message': [data(empty)],
  'an invalid message': [message(stream, invalidMessage)],
  'an invalid message with a late end of the stream': [message(stream, invalidMessage, 0), data(empty)],
  'two messages in a unary request': [message(stream, empty, 0), message(stream, empty)],
  'a message with a length of 4 GB': [data(Buffer.concat([messagePrefix(2 ** 32 - 1), Buffer.alloc(100)]))],
  'half a message': [data(Buffer.concat([messagePrefix(100), Buffer.alloc(50)]))],
  'a compressed message without an encoding': [data(Buffer.concat([messagePrefix(3, 1), invalidMessage]))],
  'an unknown compression flag': [data(Buffer.concat([messagePrefix(0, 7)]))],
  'a message and a reset': [message(stream, empty), reset(stream)],
  'a reset in the middle of a message': [data(messagePrefix(100), 0), reset(stream)],
  'a message after the end of the stream': [message(stream, empty), message(stream, empty)],
}

test.each(Object.keys(cases))(
  '%s: in each kind of method',
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
      if (!name.includes('reset')) await waitFor(`${method} answered`, isAnswered)
    }
    using fine = grpcClient(gateway.grpcAddress)
    expect(await fine.unary(ImageService.method.getVersion, {})).toMatchObject({ version: '0.1.0' })
    await waitFor(
      'all calls ended',
      () => readLoad(gateway),
      ({ calls }) => calls === 0,
    )
  },
  60_000,
)

const invalidMessages: Record<string, Uint8Array> = {
  'bytes that are not fields': invalidMessage,
  'a truncated field': new Uint8Array([0x0a, 0x7f, 1]),
  'invalid UTF-8': new Uint8Array([0x0a, 2, 0xc3, 0x28]),
}

test.each(Object.keys(invalidMessages))('%s: the client gets INVALID_ARGUMENT', async (name) => {
  using client = grpcClient(gateway.grpcAddress)
  const bytes = Buffer.from(invalidMessages[name] ?? empty)
  for (const method of ['GetTask', 'Upload', 'WatchTask', 'Tune']) {
    const path = `/pixelflow.v1.ImageService/${method}`
    const isStream = method !== 'GetTask'
    const call = isStream
      ? client.client.makeBidiStreamRequest(
          path,
          () => bytes,
          (message) => message,
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
              (message) => message,
              {},
              (error, response) => (error ? reject(error) : resolve(response)),
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

test('a damaged compressed message gets INVALID_ARGUMENT', async () => {
  const client = connect(`http://${gateway.grpcAddress}`)
  const call = client.request({
    ':method': 'POST',
    ':path': '/pixelflow.v1.ImageService/GetTask',
    'content-type': 'application/grpc',
    'grpc-encoding': 'gzip',
    te: 'trailers',
  })
  const trailers = new Promise<IncomingHttpHeaders>((resolve) => {
    call.on('response', (headers) => headers['grpc-status'] !== undefined && resolve(headers))
    call.on('trailers', resolve)
  })
  call.resume().end(Buffer.concat([messagePrefix(3, 1), invalidMessage]))
  expect(await trailers).toMatchObject({
    'grpc-status': String(status.INVALID_ARGUMENT),
    'grpc-status-details-bin': expect.any(String),
  })
  client.close()
})
