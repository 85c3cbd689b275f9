import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from 'bun:test'
import { fromJson } from '@bufbuild/protobuf'
import { anyUnpack, ValueSchema, type Any } from '@bufbuild/protobuf/wkt'
import {
  BadRequestSchema,
  ErrorInfoSchema,
  LocalizedMessageSchema,
  RequestInfoSchema,
} from '@pixelflow/proto/google/rpc/error_details_pb'
import { Auth, ImageService, TaskEventKind, TaskStatus } from '@pixelflow/proto/pixelflow/v1/image_pb'
import { sampleImage } from '@pixelflow/testkit/images'
import { waitFor } from '@pixelflow/testkit/wait-for'
import { openTestGateway, type TestGateway } from '../../testing/test-gateway.ts'
import { digestOf, failure, grpcClient, uploadWhole, type GrpcClient } from '../../testing/grpc-client.ts'
import { readLoad } from '../../testing/read-load.ts'

// Longer than `waitFor` waits, so that its error is shown.
setDefaultTimeout(20_000)

const calls = ImageService.method
let gateway: TestGateway
let client: GrpcClient
let photo: Uint8Array

beforeAll(async () => {
  gateway = await openTestGateway()
  client = grpcClient(gateway.grpcAddress)
  photo = await sampleImage({ width: 640, height: 480 })
}, 60_000)
afterAll(async () => {
  client[Symbol.dispose]()
  await gateway[Symbol.asyncDispose]()
})

const text = (value: string) => ({ kind: { case: 'stringValue' as const, value } })

function unpack(details: readonly Any[] = []) {
  const found = <D extends Parameters<typeof anyUnpack>[1]>(schema: D) =>
    details.map((one) => anyUnpack(one, schema)).find((one) => one !== undefined)
  return {
    info: found(ErrorInfoSchema),
    request: found(RequestInfoSchema),
    field: found(BadRequestSchema),
    remedy: found(LocalizedMessageSchema),
  }
}

describe('public information', () => {
  test('version and limits', async () => {
    const response = await client.unary(calls.getVersion, {})
    expect(response).toMatchObject({ version: '0.1.0', maxUploadBytes: 536_870_912n, auth: Auth.NONE })
    expect(response.formats).toContain('jpeg')
  })

  test('operations, with the schemas of REST', async () => {
    const { operations, recipe } = await client.unary(calls.listOperations, {})
    const rest = (await (await gateway.call('/api/v1/operations')).json()) as {
      operations: { name: string; schema: unknown }[]
      recipe: unknown
    }
    expect(operations.map((one) => one.name)).toEqual(rest.operations.map((one) => one.name))
    expect(operations.map((one) => one.schema)).toEqual(rest.operations.map((one) => one.schema) as never)
    expect(recipe).toEqual(rest.recipe as never)
  })
})

describe('images', () => {
  test('are uploaded, inspected, downloaded whole and in part, and deleted', async () => {
    const image = await uploadWhole(client, photo)
    expect(image).toMatchObject({
      bytes: BigInt(photo.length),
      sha256: digestOf(photo),
      width: 640,
      format: 'jpeg',
    })
    const id = image?.id ?? ''
    const found = await client.unary(calls.getImage, { id })
    expect(found.image).toEqual(image as never)

    const source = { case: 'image' as const, value: id }
    const whole = await collect(client.serverStream(calls.download, { source }))
    expect(digestOf(whole.bytes)).toBe(digestOf(photo))
    expect(whole.content).toMatchObject({
      mediaType: 'image/jpeg',
      bytes: BigInt(photo.length),
      fileName: `${id}.jpg`,
    })
    const part = await collect(client.serverStream(calls.download, { source, offset: 10n, length: 100n }))
    expect(part.bytes).toEqual(photo.slice(10, 110))
    const rest = await collect(
      client.serverStream(calls.download, { source, offset: 1000n, length: 1n << 40n }),
    )
    expect(rest.bytes).toEqual(photo.slice(1000))
    expect(rest.content).toMatchObject({ offset: 1000n, length: BigInt(photo.length - 1000) })

    await client.unary(calls.deleteImage, { id })
    expect(await failure(client.unary(calls.getImage, { id }))).toMatchObject({ code: 5 })
  })

  test('a range outside of the content is refused', async () => {
    const image = await uploadWhole(client, photo)
    const source = { case: 'image' as const, value: image?.id ?? '' }
    const refused = failure(
      collect(client.serverStream(calls.download, { source, offset: BigInt(photo.length) })),
    )
    expect(await refused).toMatchObject({ code: 11 })
    expect(await failure(collect(client.serverStream(calls.download, {})))).toMatchObject({ code: 3 })
  })
})

describe('tasks', () => {
  async function task() {
    const image = await uploadWhole(client, photo)
    const { task } = await client.unary(calls.createTask, {
      image: image?.id ?? '',
      recipe: text('resize:100'),
    })
    return task?.id ?? ''
  }

  test('are created from the text form and from a struct, read, listed, cancelled, deleted', async () => {
    const image = (await uploadWhole(client, photo))?.id ?? ''
    expect(await failure(client.unary(calls.createTask, { image }))).toMatchObject({ code: 3 })
    const recipe = fromJson(ValueSchema, { steps: [{ op: 'blur', sigma: 2 }] })
    const { task: blurred } = await client.unary(calls.createTask, { image, recipe })
    expect(blurred?.recipe).toMatchObject({ steps: [{ op: 'blur', sigma: 2 }] })
    await client.unary(calls.deleteTask, { id: blurred?.id ?? '' })
    const { task: created } = await client.unary(calls.createTask, {
      image,
      recipe: text('resize:100/format:webp'),
    })
    expect(created).toMatchObject({ status: TaskStatus.QUEUED, image })
    const id = created?.id ?? ''
    const rest = (await (await gateway.call(`/api/v1/tasks/${id}`)).json()) as { recipe: unknown }
    expect(created?.recipe).toEqual(rest.recipe as never)

    expect((await client.unary(calls.getTask, { id })).task).toEqual(created as never)
    const list = await client.unary(calls.listTasks, { limit: 1, status: TaskStatus.QUEUED })
    expect(list.items.map((one) => one.id)).toEqual([id])
    const cancelled = await client.unary(calls.cancelTask, { id })
    expect(cancelled.task?.status).toBe(TaskStatus.CANCELLED)
    const { task: retried } = await client.unary(calls.retryTask, { id })
    expect(retried).toMatchObject({ status: TaskStatus.QUEUED, image, retryOf: id, recipe: created?.recipe })
    expect(created?.retryOf).toBe('')
    expect(await failure(client.unary(calls.retryTask, { id: retried?.id ?? '' }))).toMatchObject({ code: 9 })
    await client.unary(calls.deleteTask, { id: retried?.id ?? '' })
    await client.unary(calls.deleteTask, { id })
    expect(await failure(client.unary(calls.getTask, { id }))).toMatchObject({ code: 5 })
    expect(await failure(client.unary(calls.listTasks, { limit: 201 }))).toMatchObject({ code: 3 })
  })

  test('are watched with the events and tokens of server-sent events, and a watch may change protocols', async () => {
    const id = await task()
    await gateway.advance(id, 'started', { status: 'running', attempt: 1 })
    await gateway.advance(id, 'fetched', { progress: 20 })
    const seen: { token: string; kind: TaskEventKind }[] = []
    const first = client.serverStream(calls.watchTask, { id })
    for await (const { event } of first) {
      if (event) seen.push({ token: event.token, kind: event.kind })
      if (seen.length === 2) break
    }
    first.cancel()
    // Resume over server-sent events with a token of gRPC.
    const { signal, abort } = leaving()
    const headers = { 'last-event-id': seen[1]?.token ?? '' }
    const stream = await gateway.call(`/api/v1/tasks/${id}/events`, { headers, signal })
    const next = await firstId(stream)
    abort()
    // Resume over gRPC with a token of server-sent events.
    const later = client.serverStream(calls.watchTask, { id, after: next })
    await gateway.advance(id, 'completed', {
      status: 'completed',
      progress: 100,
      endedAt: new Date().toISOString(),
    })
    const last: TaskEventKind[] = []
    for await (const { event } of later) if (event) last.push(event.kind)
    expect(last).toEqual([TaskEventKind.COMPLETED])

    const all: string[] = []
    for await (const { event } of client.serverStream(calls.watchTask, { id })) all.push(event?.token ?? '')
    const sse = await (await gateway.call(`/api/v1/tasks/${id}/events`)).text()
    expect(all).toEqual([...sse.matchAll(/^id: (.*)$/gm)].map(([, token]) => token ?? ''))
    expect(all).toHaveLength(4)
    expect(all.slice(0, 3)).toEqual([...seen.map((one) => one.token), next])
  })

  test('a watch of an ended task ends at once, and an invalid token is refused', async () => {
    const id = await task()
    await client.unary(calls.cancelTask, { id })
    const tokens: string[] = []
    for await (const { event } of client.serverStream(calls.watchTask, { id }))
      tokens.push(event?.token ?? '')
    expect(await drained(client.serverStream(calls.watchTask, { id, after: tokens.at(-1) ?? '' }))).toBe(0)
    const wrong = await failure(drained(client.serverStream(calls.watchTask, { id, after: '!' })))
    expect(unpack(wrong.status?.details).field).toMatchObject({ fieldViolations: [{ field: 'after' }] })
  })

  test('a failed task ends its Process call with its fault, after the last event', async () => {
    const image = (await uploadWhole(client, photo))?.id ?? ''
    const call = client.serverStream(calls.process, { image, recipe: text('resize:100') })
    const kinds: TaskEventKind[] = []
    const failed = failure(
      (async () => {
        for await (const { data } of call) {
          if (data.case !== 'event') continue
          kinds.push(data.value.kind)
          if (data.value.kind !== TaskEventKind.QUEUED) continue
          const fault = { code: 'corrupt_image' as const, detail: 'It cannot be decoded.' }
          await gateway.advance(data.value.task?.id ?? '', 'failed', { status: 'failed', fault })
        }
      })(),
    )
    expect(await failed).toMatchObject({ code: 3, details: 'It cannot be decoded.' })
    expect(kinds).toEqual([TaskEventKind.QUEUED, TaskEventKind.FAILED])
  })
})

describe('errors', () => {
  test('have code, field, remedy and request id', async () => {
    const image = (await uploadWhole(client, photo))?.id ?? ''
    const request = client.unary(
      calls.createTask,
      { image, recipe: text('blur:9999') },
      { metadata: { 'x-request-id': 'request-1' } },
    )
    const failed = await failure(request)
    expect(failed.code).toBe(3)
    expect(failed.metadata.get('x-request-id')).toEqual(['request-1'])
    const { info, request: about, field, remedy } = unpack(failed.status?.details)
    expect(info).toMatchObject({ reason: 'INVALID_RECIPE', domain: 'pixelflow' })
    expect(about).toMatchObject({ requestId: 'request-1' })
    expect(field).toMatchObject({ fieldViolations: [{ field: 'steps[0].sigma', reason: 'INVALID_RECIPE' }] })
    expect(remedy).toMatchObject({ locale: 'en' })
    expect(failed.status?.message).toBe(failed.details)
  })

  test('a deadline ends a watch and releases it', async () => {
    const image = (await uploadWhole(client, photo))?.id ?? ''
    const { task } = await client.unary(calls.createTask, { image, recipe: text('resize:100') })
    const watch = client.serverStream(calls.watchTask, { id: task?.id ?? '' }, { deadlineMs: 150 })
    expect(await failure(drained(watch))).toMatchObject({ code: 4 })
    await waitFor(
      'watch released',
      () => readLoad(gateway),
      ({ watchers }) => watchers === 0,
    )
  })

  test('an unknown method, and a message that is too large', async () => {
    const unknown = { ...calls.getTask, name: 'Nothing' } as typeof calls.getTask
    expect(await failure(client.unary(unknown, {}))).toMatchObject({ code: 12 })
    const { send, reply } = client.upload()
    await send({ case: 'chunk', value: new Uint8Array(5 * 1024 * 1024) })
    expect(await failure(reply)).toMatchObject({ code: 8 })
  })
})

interface Collected {
  content: unknown
  bytes: Uint8Array
}

async function collect(
  call: ReturnType<typeof client.serverStream<typeof calls.download.input, typeof calls.download.output>>,
) {
  const found: Collected = { content: undefined, bytes: new Uint8Array() }
  const chunks: Uint8Array[] = []
  for await (const { data } of call) {
    if (data.case === 'content') found.content = data.value
    if (data.case === 'chunk') chunks.push(data.value)
  }
  return { ...found, bytes: new Uint8Array(Buffer.concat(chunks)) }
}

async function drained(call: AsyncIterable<unknown>): Promise<number> {
  let count = 0
  for await (const _ of call) count += 1
  return count
}

function leaving() {
  const controller = new AbortController()
  return { signal: controller.signal, abort: () => controller.abort() }
}

async function firstId(stream: Response): Promise<string> {
  let text = ''
  const decoder = new TextDecoder()
  for await (const chunk of stream.body ?? []) {
    text += decoder.decode(chunk as Uint8Array, { stream: true })
    const found = /^id: (\w+)\n/m.exec(text)?.[1]
    if (found !== undefined) return found
  }
  throw new Error(`no event in ${text}`)
}
