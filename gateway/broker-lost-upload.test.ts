import { anyUnpack } from '@bufbuild/protobuf/wkt'
import { beforeAll, describe, expect, test } from 'bun:test'
import type { Problem } from '@pixelflow/core/problem'
import {
  ErrorInfoSchema,
  LocalizedMessageSchema,
  RetryInfoSchema,
} from '@pixelflow/proto/google/rpc/error_details_pb'
import { sampleImage } from '@pixelflow/testkit/images'
import { waitFor } from '@pixelflow/testkit/wait-for'
import { useFixture } from '@pixelflow/testkit/use-fixture'
import { settlesInTime, brokerFaults } from './testing/broker-faults.ts'
import { openTestGateway, type TestGateway, type UploadBody } from './testing/test-gateway.ts'
import { digestOf, failure, grpcClient } from './testing/grpc-client.ts'

/** The broker fails in the middle of an upload with an idempotency key: the call is answered, and repetitions count once. */

let photo: Uint8Array<ArrayBuffer>
beforeAll(async () => {
  const image = await sampleImage({ width: 1200, height: 900 })
  // Random bytes after the image make the file several chunks long.
  photo = new Uint8Array(2 * 2 ** 20)
  crypto.getRandomValues(photo.subarray(0, 65_536))
  photo.set(image)
})

interface Answer {
  readonly status: number
  readonly code?: string | undefined
  readonly remedy?: string | undefined
  readonly retryAfter?: string | null
  readonly id?: string | undefined
}

/** Sends the first half of a file, runs `between`, then sends the rest. */
type Call = (gateway: TestGateway, key: string, between: () => Promise<void>) => Promise<Answer>

async function overHttp(
  gateway: TestGateway,
  path: string,
  headers: Record<string, string>,
  pieces: () => AsyncGenerator<Uint8Array>,
): Promise<Answer> {
  const answer = await gateway.call(path, {
    method: 'POST',
    headers,
    body: pieces() as unknown as UploadBody,
  })
  const body = (await answer.json()) as Partial<Problem> & { id?: string }
  return { ...body, status: answer.status, retryAfter: answer.headers.get('retry-after') }
}

const halves = async function* (between: () => Promise<void>) {
  const half = photo.length / 2
  for (let at = 0; at < photo.length; at += 65_536) {
    if (at === half) await between()
    yield photo.slice(at, at + 65_536)
  }
}

const calls: Record<string, Call> = {
  'an upload': (gateway, key, between) =>
    overHttp(gateway, '/api/v1/images', { 'content-type': 'image/jpeg', 'idempotency-key': key }, () =>
      halves(between),
    ),
  'a form for a task': (gateway, key, between) => {
    const headers = { 'content-type': 'multipart/form-data; boundary=x', 'idempotency-key': key }
    const part = (head: string) =>
      new TextEncoder().encode(`\r\n--x\r\ncontent-disposition: form-data; ${head}\r\n`)
    return overHttp(gateway, '/api/v1/tasks', headers, async function* () {
      yield part('name="recipe"\r\n\r\nflip')
      yield part('name="file"; filename="a.jpg"\r\ncontent-type: image/jpeg\r\n')
      yield* halves(between)
      yield new TextEncoder().encode('\r\n--x--\r\n')
    })
  },
  'Upload by gRPC': async (gateway, key, between) => {
    using client = grpcClient(gateway.grpcAddress)
    const { call, reply, send } = client.upload({ metadata: { 'idempotency-key': key } })
    await send({ case: 'metadata', value: { mediaType: 'image/jpeg' } })
    for await (const value of halves(between)) await send({ case: 'chunk', value })
    await send({ case: 'commit', value: { bytes: BigInt(photo.length), sha256: digestOf(photo) } })
    call.end()
    const image = await reply.then(
      (one) => one.image,
      () => undefined,
    )
    if (image) return { status: 201, id: image.id }
    const { code, status } = await failure(reply)
    const details = status?.details ?? []
    const delay = details.map((one) => anyUnpack(one, RetryInfoSchema)).find((one) => one !== undefined)
    const reason = details
      .map((one) => anyUnpack(one, ErrorInfoSchema)?.reason)
      .find((one) => one !== undefined)
    const remedy = details
      .map((one) => anyUnpack(one, LocalizedMessageSchema)?.message)
      .find((one) => one !== undefined)
    return {
      status: code === 14 ? 503 : code,
      ...(reason === undefined ? {} : { code: reason.toLowerCase() }),
      ...(remedy === undefined ? {} : { remedy }),
      ...(delay === undefined ? {} : { retryAfter: String(delay.retryDelay?.seconds) }),
    }
  },
}

/** Repeats the call until it succeeds, as a client does. */
async function repeatCall(gateway: TestGateway, call: Call, key: string): Promise<Answer> {
  const isSuccess = ({ status }: Answer) => status === 201 || status === 202
  return waitFor('repeated call succeeded', () => call(gateway, key, async () => {}), isSuccess, {
    timeoutMs: 60_000,
  })
}

describe.each(Object.entries(brokerFaults))('a broker that is %s in the middle of', (_, fault) => {
  let gateway: TestGateway
  useFixture(openTestGateway, (opened) => (gateway = opened))

  test.each(Object.entries(calls))(
    '%s',
    async (name, call) => {
      const key = crypto.randomUUID()
      const [imagesBefore, { events: eventsBefore, chunks: chunksBefore }] = await Promise.all([
        gateway.imageRecords(),
        gateway.messages(),
      ])
      const refused = await settlesInTime(
        name,
        call(gateway, key, async () => {
          const countChunks = async () => (await gateway.messages()).chunks
          await waitFor('first chunk stored', countChunks, (chunks) => chunks > chunksBefore)
          await fault.begin(gateway.nats)
        }),
      )
      expect(refused).toMatchObject({
        status: 503,
        code: expect.stringMatching(/^(unavailable|storage_failed)$/) as string,
        remedy: expect.any(String) as string,
        retryAfter: expect.any(String) as string,
      })

      await fault.end(gateway.nats)
      const first = await repeatCall(gateway, call, key)
      const second = await repeatCall(gateway, call, key)
      expect(second.id).toBe(first.id as string)
      const isTask = name === 'a form for a task'
      expect(await gateway.imageRecords()).toBe(imagesBefore + 1)
      expect((await gateway.messages()).events).toBe(eventsBefore + (isTask ? 1 : 0))
    },
    120_000,
  )
})
