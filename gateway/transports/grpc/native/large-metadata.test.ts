import { describe, expect, setDefaultTimeout, test } from 'bun:test'
import { fromBinary } from '@bufbuild/protobuf'
import { BadRequestSchema } from '@pixelflow/proto/google/rpc/error_details_pb'
import { ImageService, TaskEventKind } from '@pixelflow/proto/pixelflow/v1/image_pb'
import { sampleImage } from '@pixelflow/testkit/images'
import { waitFor } from '@pixelflow/testkit/wait-for'
import { useFixture } from '@pixelflow/testkit/use-fixture'
import { openTestGateway, type TestGateway } from '../../../testing/test-gateway.ts'
import { failure, grpcClient } from '../../../testing/grpc-client.ts'
import { callFields, field, headerFrames, indexedField } from '../../../testing/hpack.ts'
import { frameTypes, message, rawHttp2 } from '../../../testing/raw-http2.ts'

// Longer than `waitFor` waits, so that its error is shown.
setDefaultTimeout(20_000)

const calls = ImageService.method
const path = '/pixelflow.v1.ImageService/GetVersion'
const resourceExhausted = 8
let gateway: TestGateway
useFixture(openTestGateway, (opened) => (gateway = opened))

/** The statuses of all calls with this request id, when this many are logged. */
const logged = (requestId: string, count: number) =>
  waitFor(
    `${count} logged calls with the id ${requestId}`,
    () => gateway.logs.filter((line) => line['requestId'] === requestId).map((line) => line['status']),
    ({ length }) => length === count,
  )

describe('a call with too much metadata', () => {
  test('is refused, and other calls on its connection continue', async () => {
    using client = grpcClient(gateway.grpcAddress)
    const { id: image } = await gateway.image(await sampleImage())
    const { id } = await gateway.submit(image)
    const kinds: TaskEventKind[] = []
    const watch = client.serverStream(calls.watchTask, { id })
    const watched = (async () => {
      for await (const { event } of watch) kinds.push(event?.kind ?? TaskEventKind.UNSPECIFIED)
    })()
    await waitFor(
      'first event',
      () => kinds,
      ({ length }) => length === 1,
    )

    const metadata = Object.fromEntries(Array.from({ length: 700 }, (_, i) => [`x-${i}`, 'v'.repeat(100)]))
    const { code, details, status } = await failure(client.unary(calls.getVersion, {}, { metadata }))
    expect(code).toBe(resourceExhausted)
    expect(details).toStartWith('Metadata must be at most 65536 bytes, got ')
    const bad = status?.details.find(({ typeUrl }) => typeUrl.endsWith('BadRequest'))
    expect(fromBinary(BadRequestSchema, bad?.value ?? new Uint8Array()).fieldViolations[0]?.field).toBe(
      'metadata',
    )

    expect(await client.unary(calls.getVersion, {})).toMatchObject({ version: '0.1.0' })
    await gateway.advance(id, 'cancelled', { status: 'cancelled' })
    await watched
    expect(kinds).toEqual([TaskEventKind.QUEUED, TaskEventKind.CANCELLED])
  }, 30_000)

  const asText = (length: number, isIndexed: boolean) => field('x-big', 'v'.repeat(length), { isIndexed })
  const huffman = (zeros: number, isIndexed: boolean) => field('x-big', '', { zeros, isIndexed })
  // Bun's HPACK decoder ends the connection for a value above 64 KiB.
  test.each([
    ['70 kB', asText(70_000, false)],
    ['70 kB, indexed', asText(70_000, true)],
    ['70 kB, Huffman-encoded', huffman(70_000, false)],
    ['100 kB, Huffman-encoded, indexed', huffman(100_000, true)],
    ['1 MB', asText(1_000_000, true)],
    ['8 MB', asText(8_000_000, false)],
  ])('in one value of %s is refused alone, and the HPACK table stays correct', async (name, big) => {
    using client = await rawHttp2(gateway.grpcAddress)
    const id = (which: string) => `${which} of ${name.replaceAll(/[^a-z0-9]/gi, '-')}`.replaceAll(' ', '-')
    const common = callFields(path, gateway.grpcAddress)
    const first = Buffer.concat([common, big, field('x-request-id', id('refused'), { isIndexed: true })])
    for (const piece of piecesOf(headerFrames(1, first), 40_000)) client.send(piece)
    client.send(message(1, new Uint8Array()))
    expect(await logged(id('refused'), 1)).toEqual(['ResourceExhausted'])

    // The newest field of the dynamic table is that id.
    client.send(headerFrames(3, Buffer.concat([common, indexedField(62)])), message(3, new Uint8Array()))
    expect(await logged(id('refused'), 2)).toEqual(['ResourceExhausted', 'OK'])
    expect(client.isClosed).toBe(false)
    expect(client.frames.some(({ type }) => type === frameTypes.goaway)).toBe(false)
  })

  test('below the limit is served', async () => {
    using client = await rawHttp2(gateway.grpcAddress)
    const block = Buffer.concat([
      callFields(path, gateway.grpcAddress),
      field('x-big', 'v'.repeat(60_000)),
      field('x-request-id', 'not-too-much'),
    ])
    client.send(headerFrames(1, block, 1000), message(1, new Uint8Array()))
    expect(await logged('not-too-much', 1)).toEqual(['OK'])
  })

  test('without end closes only its own connection', async () => {
    using client = await rawHttp2(gateway.grpcAddress)
    const endless = headerFrames(
      1,
      Buffer.concat([callFields(path, gateway.grpcAddress), Buffer.alloc(600_000, field('a', 'b'))]),
    )
    client.send(endless)
    await waitFor('connection closed', () => client.isClosed)
    using fine = grpcClient(gateway.grpcAddress)
    expect(await fine.unary(calls.getVersion, {})).toMatchObject({ version: '0.1.0' })
  })
})

function piecesOf(bytes: Buffer, length: number): Buffer[] {
  return Array.from({ length: Math.ceil(bytes.length / length) }, (_, i) =>
    bytes.subarray(i * length, (i + 1) * length),
  )
}
