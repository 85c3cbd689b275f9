import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import type { ImageView, TaskPageView, TaskView } from '@pixelflow/core/views'
import { parseRecipe } from '@pixelflow/core/recipe/recipe'
import { ImageService } from '@pixelflow/proto/pixelflow/v1/image_pb'
import { appendEvent } from '@pixelflow/testkit/append-event'
import { sampleImage } from '@pixelflow/testkit/images'
import { waitFor } from '@pixelflow/testkit/wait-for'
import type { Gateway } from '../../gateway.ts'
import { openTestGateway, type TestGateway } from '../../testing/test-gateway.ts'
import { failure, grpcClient, type GrpcClient } from '../../testing/grpc-client.ts'

/** Two gateways with one broker. The first call goes to one, the repeated call to the other. */

let one: TestGateway
let other: Gateway
let photo: Uint8Array<ArrayBuffer>
let otherPhoto: Uint8Array<ArrayBuffer>
let image: string
beforeAll(async () => {
  one = await openTestGateway()
  other = await one.another()
  photo = new Uint8Array(await sampleImage({ width: 320, height: 200 }))
  otherPhoto = new Uint8Array(await sampleImage({ width: 321, height: 200 }))
  image = (await one.image(photo)).id
}, 60_000)
afterAll(() => one?.[Symbol.asyncDispose]())

type Body = NonNullable<RequestInit['body']>
interface Sent {
  readonly path: string
  readonly body: Body
  readonly headers: Readonly<Record<string, string>>
}

const post = (url: string, { path, body, headers }: Sent, key?: string) =>
  fetch(new URL(path, url), {
    method: 'POST',
    body,
    headers: { ...headers, ...(key === undefined ? {} : { 'idempotency-key': key }) },
  })
const upload = (body: Body): Sent => ({
  path: '/api/v1/images',
  body,
  headers: { 'content-type': 'image/jpeg' },
})
const task = (recipe: unknown): Sent => ({
  path: '/api/v1/tasks',
  body: JSON.stringify({ image, recipe }),
  headers: { 'content-type': 'application/json' },
})
const form = (path: string, file: Uint8Array<ArrayBuffer>, recipe?: string): Sent => {
  const body = new FormData()
  if (recipe !== undefined) body.set('recipe', recipe)
  body.set('file', new Blob([file], { type: 'image/jpeg' }), 'photo.jpg')
  return { path, body, headers: {} }
}
const later = (file: Uint8Array<ArrayBuffer>, recipe: string): Sent => ({
  path: `/api/v1/process?recipe=${encodeURIComponent(recipe)}`,
  body: file,
  headers: { 'content-type': 'image/jpeg', prefer: 'respond-async' },
})
const tasks = async () =>
  ((await (await one.call('/api/v1/tasks?limit=200')).json()) as TaskPageView).items.map(({ id }) => id)

describe('the same call with the same key', () => {
  test.each([
    ['an upload', 201, () => upload(photo), () => upload(otherPhoto)],
    ['an upload by form', 201, () => form('/api/v1/images', photo), () => form('/api/v1/images', otherPhoto)],
    ['a task', 202, () => task('resize:100'), () => task('resize:101')],
    [
      'a task with its image',
      202,
      () => form('/api/v1/tasks', photo, 'flip'),
      () => form('/api/v1/tasks', otherPhoto, 'flip'),
    ],
    [
      'the same image, another recipe',
      202,
      () => form('/api/v1/tasks', photo, 'flip'),
      () => form('/api/v1/tasks', photo, 'flop'),
    ],
    [
      'an image processed with respond-async',
      202,
      () => later(photo, 'flip'),
      () => later(otherPhoto, 'flip'),
    ],
  ])('%s is executed once, and the response is repeated', async (_, status, same, different) => {
    const key = crypto.randomUUID()
    const first = await post(one.url, same(), key)
    expect([first.status, first.headers.get('idempotent-replayed')]).toEqual([status, null])
    const before = [await one.messages(), await tasks()]
    const again = await post(other.url, same(), `"${key}"`)
    expect([again.status, again.headers.get('idempotent-replayed')]).toEqual([status, 'true'])
    expect(again.headers.get('location')).toBe(first.headers.get('location'))
    expect(await again.json()).toEqual(await first.json())
    const refused = await one.refusal(post(other.url, different(), key))
    expect([refused.status, refused.code]).toEqual([422, 'idempotency_key_reused'])
    // The refused call stored nothing.
    expect([await one.messages(), await tasks()]).toEqual(before)
    expect((await post(other.url, same(), crypto.randomUUID())).headers.get('location')).not.toBe(
      first.headers.get('location'),
    )
  })

  test('a retry is executed once', async () => {
    const { id } = (await (await post(one.url, task('flip'))).json()) as TaskView
    await one.cancelTask(id)
    const retry: Sent = { path: `/api/v1/tasks/${id}/retry`, body: '', headers: {} }
    const first = (await (await post(one.url, retry, 'retry-1')).json()) as TaskView
    expect(first.retryOf).toBe(id)
    expect(await (await post(other.url, retry, 'retry-1')).json()).toEqual(first)
  })

  test('a key belongs to one kind of call and one account', async () => {
    const key = crypto.randomUUID()
    expect((await post(one.url, upload(photo), key)).status).toBe(201)
    expect((await one.refusal(post(other.url, task('flip'), key))).code).toBe('idempotency_key_reused')
  })

  test.each([' ', 'a b', 'x'.repeat(256), 'ü'])('the key %j is refused', async (key) => {
    const refused = await one.refusal(post(one.url, task('flip'), key))
    expect(refused).toMatchObject({ status: 400, code: 'invalid_request', field: 'Idempotency-Key' })
  })

  test('of concurrent calls over both gateways, one is executed', async () => {
    const key = crypto.randomUUID()
    const before = await tasks()
    const responses = await Promise.all(
      Array.from({ length: 12 }, (_, n) => post(n % 2 ? one.url : other.url, task('blur:3'), key)),
    )
    const accepted = responses.filter((answer) => answer.status === 202)
    const ids = await Promise.all(accepted.map(async (answer) => ((await answer.json()) as TaskView).id))
    expect(new Set(ids).size).toBe(1)
    expect(responses.every(({ status }) => status === 202 || status === 409)).toBe(true)
    expect((await tasks()).length).toBe(before.length + 1)
  })

  test('a refused call releases its key', async () => {
    const key = crypto.randomUUID()
    expect((await post(one.url, task('resize:nonsense'), key)).status).toBe(400)
    expect((await post(one.url, upload('no image'), key)).status).toBe(415)
    expect((await post(other.url, task('flip'), key)).status).toBe(202)
  })
})

test('while the first call runs, the second is told to retry, and then gets the response', async () => {
  const key = crypto.randomUUID()
  const finishUpload = Promise.withResolvers<void>()
  async function* slowly() {
    yield photo.subarray(0, 1000)
    await finishUpload.promise
    yield photo.subarray(1000)
  }
  const first = post(one.url, upload(slowly()), key)
  const keyName = new Bun.CryptoHasher('sha256').update(key).digest('hex')
  await waitFor('key recorded', () => one.adapters.idempotencyRecords.get('local', keyName))
  const early = await post(other.url, upload(photo), key)
  expect(Number(early.headers.get('retry-after'))).toBeGreaterThan(0)
  expect(await one.refusal(early)).toMatchObject({ status: 409, code: 'idempotency_key_in_use' })
  finishUpload.resolve()
  const made = (await (await first).json()) as ImageView
  const again = await post(other.url, upload(photo), key)
  expect([again.status, await again.json()]).toEqual([201, made])
}, 30_000)

describe('a gateway that was killed', () => {
  /** The state that a gateway killed during a call leaves: the key, and what it has created so far. */
  const left = async (key: string) => {
    const ids = { image: Bun.randomUUIDv7(), task: Bun.randomUUIDv7() }
    const name = new Bun.CryptoHasher('sha256').update(key).digest('hex')
    await one.adapters.idempotencyRecords.compareAndSwap(
      'local',
      name,
      { state: 'working', ...ids, holder: 'lost', renewals: 3 },
      0,
    )
    return ids
  }

  test('before it created anything: the next gateway executes the call after a short time', async () => {
    const ids = await left('died-early')
    const begun = performance.now()
    const answer = await post(other.url, task('flip'), 'died-early')
    expect(performance.now() - begun).toBeGreaterThan(2500)
    expect(answer.status).toBe(202)
    expect(((await answer.json()) as TaskView).id).toBe(ids.task)
  }, 20_000)

  test('after it created a task: the next gateway returns that task', async () => {
    const ids = await left('died-late')
    const { account, ...whole } = (await lastOf(await one.submit(image, 'sharpen'))).task
    const now = new Date().toISOString()
    const accepted = { ...whole, account, id: ids.task, createdAt: now, recipe: parseRecipe('sharpen') }
    await appendEvent(one.adapters.events, { version: 1, kind: 'queued', at: now, task: accepted }, 0)
    const before = await tasks()
    const { jobs } = await one.messages()
    const answer = await post(other.url, task('sharpen'), 'died-late')
    expect([answer.status, ((await answer.json()) as TaskView).id]).toEqual([202, ids.task])
    expect(await tasks()).toEqual(before)
    // The missing job is queued.
    expect((await one.messages()).jobs).toBe(jobs + 1)
    expect((await post(one.url, task('sharpen'), 'died-late')).headers.get('idempotent-replayed')).toBe(
      'true',
    )
  }, 20_000)

  test('after it created a task: a different call is refused', async () => {
    const ids = await left('died-other')
    const { task: whole } = await lastOf(await one.submit(image, 'sharpen'))
    const at = new Date().toISOString()
    await appendEvent(
      one.adapters.events,
      { version: 1, kind: 'queued', at, task: { ...whole, id: ids.task } },
      0,
    )
    const refused = await one.refusal(post(other.url, task('flop'), 'died-other'))
    expect(refused.code).toBe('idempotency_key_reused')
  }, 20_000)

  test('after it stored the image: the next gateway uses that image', async () => {
    const ids = await left('died-stored')
    const record = await one.adapters.images.get('local', image)
    if (!record) throw new Error('no image')
    await one.adapters.images.create('local', ids.image, { ...record, id: ids.image })
    const answer = await post(other.url, form('/api/v1/tasks', photo, 'flip'), 'died-stored')
    expect((await answer.json()) as TaskView).toMatchObject({ id: ids.task, image: ids.image })
  }, 20_000)

  const lastOf = async ({ id }: TaskView) => {
    const last = await one.adapters.events.last('local', id)
    if (!last) throw new Error('no task')
    return last.event
  }
})

describe('over gRPC', () => {
  let client: GrpcClient
  beforeAll(() => {
    client = grpcClient(other.grpcAddress)
  })
  afterAll(() => client?.[Symbol.dispose]())
  const { createTask } = ImageService.method
  const recipe = { kind: { case: 'stringValue', value: 'resize:90' } } as const

  test('the key is metadata, and is the same key as over HTTP', async () => {
    const key = crypto.randomUUID()
    const made = (await (await post(one.url, task('resize:90'), key)).json()) as TaskView
    const metadata = { 'idempotency-key': key }
    const again = await client.unary(createTask, { image, recipe }, { metadata })
    expect(again.task?.id).toBe(made.id)
    const other = { kind: { case: 'stringValue', value: 'resize:91' } } as const
    const refused = await failure(client.unary(createTask, { image, recipe: other }, { metadata }))
    expect([refused.code, refused.details]).toEqual([9, expect.stringContaining('used for another call')])
  })

  test('Process continues with the task that it created', async () => {
    const ids = new Set<string>()
    const key = crypto.randomUUID()
    for (let n = 0; n < 2; n += 1) {
      const metadata = { 'idempotency-key': key }
      const call = client.serverStream(ImageService.method.process, { image, recipe }, { metadata })
      call.on('error', () => {})
      for await (const { data } of call) {
        if (data.case === 'event') ids.add(data.value.task?.id ?? '')
        break
      }
      call.cancel()
    }
    expect(ids.size).toBe(1)
  })
})
