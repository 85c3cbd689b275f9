import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from 'bun:test'
import { create, fromBinary, toBinary, type MessageInitShape } from '@bufbuild/protobuf'
import { Code, ConnectError, type Client } from '@connectrpc/connect'
import { ErrorInfoSchema, RequestInfoSchema } from '@pixelflow/proto/google/rpc/error_details_pb'
import {
  ImageService,
  TaskEventKind,
  TaskStatus,
  UploadRequestSchema,
  UploadResponseSchema,
} from '@pixelflow/proto/pixelflow/v1/image_pb'
import { sampleImage } from '@pixelflow/testkit/images'
import { waitFor } from '@pixelflow/testkit/wait-for'
import { openTestGateway, type TestGateway } from '../../../testing/test-gateway.ts'
import { digestOf, grpcClient } from '../../../testing/grpc-client.ts'
import { readLoad } from '../../../testing/read-load.ts'
import { envelope } from '../../../testing/envelope.ts'
import { webClient, webProtocols } from '../../../testing/web-client.ts'

// Longer than `waitFor` waits, so that its error is shown.
setDefaultTimeout(20_000)

const recipe = { kind: { case: 'stringValue' as const, value: 'resize:10' } }
let gateway: TestGateway
let photo: Uint8Array
beforeAll(async () => {
  gateway = await openTestGateway()
  photo = await sampleImage({ width: 300, height: 200 })
}, 60_000)
afterAll(() => gateway?.[Symbol.asyncDispose]())

async function refusal(promise: Promise<unknown>): Promise<ConnectError> {
  try {
    await promise
  } catch (thrown) {
    return ConnectError.from(thrown)
  }
  throw new Error('The call did not fail.')
}

const readWatchers = async () => (await readLoad(gateway)).watchers

describe.each(webProtocols)('%s', (protocol) => {
  let client: Client<typeof ImageService>
  beforeAll(() => {
    client = webClient(ImageService, protocol, gateway)
  })

  test('serves calls and their errors', async () => {
    expect(await client.getVersion({})).toMatchObject({ version: '0.1.0' })
    const { id: image } = await gateway.image(photo)
    const { task } = await client.createTask({ image, recipe })
    expect((await client.getTask({ id: task?.id ?? '' })).task).toMatchObject({
      status: TaskStatus.QUEUED,
      image,
    })

    const headers = { 'x-request-id': 'request-1' }
    const refused = await refusal(client.getTask({ id: 'none' }, { headers }))
    expect(refused.code).toBe(Code.NotFound)
    expect(refused.findDetails(ErrorInfoSchema)).toMatchObject([
      { reason: 'TASK_NOT_FOUND', domain: 'pixelflow' },
    ])
    expect(refused.findDetails(RequestInfoSchema)).toMatchObject([{ requestId: 'request-1' }])
  })

  test('resumes an event stream of native gRPC', async () => {
    const { id: image } = await gateway.image(photo)
    const { id } = await gateway.submit(image)
    await gateway.advance(id, 'started', { status: 'running', attempt: 1 })
    using native = grpcClient(gateway.grpcAddress)
    const first = native.serverStream(ImageService.method.watchTask, { id })
    let token = ''
    for await (const { event } of first) {
      token = event?.token ?? ''
      break
    }
    first.cancel()
    const kinds: TaskEventKind[] = []
    for await (const { event } of client.watchTask({ id, after: token })) {
      if (event) kinds.push(event.kind)
      if (event?.kind === TaskEventKind.STARTED) await client.cancelTask({ id })
    }
    expect(kinds).toEqual([TaskEventKind.STARTED, TaskEventKind.CANCELLED])
  })

  test('releases the watch of a client that has disconnected', async () => {
    const { id: image } = await gateway.image(photo)
    const { id } = await gateway.submit(image)
    const leaving = new AbortController()
    const watched = refusal(
      (async () => {
        for await (const _ of client.watchTask({ id }, { signal: leaving.signal }));
      })(),
    )
    await waitFor('watch started', readWatchers, (watchers) => watchers === 1)
    leaving.abort()
    expect((await watched).code).toBe(Code.Canceled)
    await waitFor('watch released', readWatchers, (watchers) => watchers === 0)
  })

  test('refuses pages of other origins', async () => {
    const headers = { origin: 'https://evil.example' }
    expect((await refusal(client.listTasks({}, { headers }))).code).toBe(Code.PermissionDenied)
  })
})

describe('a client stream over Connect', () => {
  const piece = (data: MessageInitShape<typeof UploadRequestSchema>['data']) =>
    envelope(toBinary(UploadRequestSchema, create(UploadRequestSchema, data === undefined ? {} : { data })))

  async function upload(pieces: Uint8Array[]) {
    const response = await gateway.call('/pixelflow.v1.ImageService/Upload', {
      method: 'POST',
      body: Buffer.concat(pieces),
      headers: { 'content-type': 'application/connect+proto', 'connect-protocol-version': '1' },
    })
    const bytes = Buffer.from(await response.arrayBuffer())
    return { flags: bytes[0], body: bytes.subarray(5, 5 + bytes.readUInt32BE(1)) }
  }

  test('uploads with the rules of native gRPC', async () => {
    const before = await gateway.messages()
    const start = [
      piece({ case: 'metadata', value: { mediaType: 'image/jpeg' } }),
      piece({ case: 'chunk', value: photo }),
    ]
    const cut = await upload(start)
    expect(cut.flags).toBe(2)
    expect(cut.body.toString()).toContain('data_loss')
    expect(await gateway.messages()).toEqual(before)

    const commit = piece({ case: 'commit', value: { bytes: BigInt(photo.length), sha256: digestOf(photo) } })
    const whole = await upload([...start, commit])
    expect(whole.flags).toBe(0)
    expect(fromBinary(UploadResponseSchema, whole.body).image).toMatchObject({ sha256: digestOf(photo) })
  })
})
