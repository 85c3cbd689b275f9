import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import type { TaskView } from '@pixelflow/core/views'
import type { Lane } from '@pixelflow/core/job'
import { appendEvent } from '@pixelflow/testkit/append-event'
import { sampleImage } from '@pixelflow/testkit/images'
import { waitFor } from '@pixelflow/testkit/wait-for'
import type { Gateway } from './gateway.ts'
import { openTestGateway, type TestGateway } from './testing/test-gateway.ts'

/** Two gateways that enforce the task quota of an account together. */

const interactive = 3
const queued = 8
const inlineMaxBytes = 1000
let one: TestGateway
let other: Gateway

beforeAll(async () => {
  const tokens = ['ann', 'bob', 'cid', 'dee', 'eve', 'fay']
    .map((name) => `${name}:secret-of-${name}`)
    .join(',')
  one = await openTestGateway({
    env: {
      PIXELFLOW_API_TOKENS: tokens,
      PIXELFLOW_MAX_INTERACTIVE_PER_ACCOUNT: String(interactive),
      PIXELFLOW_MAX_QUEUED_PER_ACCOUNT: String(queued),
      PIXELFLOW_INLINE_MAX_BYTES: String(inlineMaxBytes),
    },
  })
  other = await one.another()
}, 60_000)
afterAll(() => one?.[Symbol.asyncDispose]())

interface TaskOptions {
  readonly at?: { readonly url: string }
  readonly lane?: Lane
  readonly key?: string
}

/** The calls of one account. */
async function createCaller(name: string) {
  const authorization = `Bearer secret-of-${name}`
  const photo = new Uint8Array(await sampleImage({ width: 30, height: 20 }))
  const { id: image } = await one.image(photo, { authorization })
  const call = (path: string, { at = one, ...init }: TaskOptions & BunFetchRequestInit = {}) =>
    fetch(new URL(path, at.url), { ...init, headers: { authorization, ...init.headers } })
  const request = ({ at, lane, key }: TaskOptions = {}) =>
    call('/api/v1/tasks', {
      ...(at && { at }),
      method: 'POST',
      body: JSON.stringify({ image, recipe: 'flip', lane }),
      headers: { 'content-type': 'application/json', ...(key && { 'idempotency-key': key }) },
    })
  const create = async (options?: TaskOptions) => {
    const answer = await request(options)
    if (answer.status !== 202) throw new Error(`${answer.status}: ${await answer.text()}`)
    return (await answer.json()) as TaskView
  }
  const cancel = async ({ id }: TaskView, at: { readonly url: string } = one) =>
    (await call(`/api/v1/tasks/${id}/cancel`, { at, method: 'POST' })).status
  /** Waits until a gateway has read the events that the other one has written. */
  const waitForQueued = async (at: { readonly url: string }, waiting: number) => {
    const countQueued = async () => {
      const page = (await (await call('/api/v1/tasks?status=queued', { at })).json()) as { items: unknown[] }
      return page.items.length
    }
    await waitFor(`${waiting} queued tasks in the list`, countQueued, (queued) => queued === waiting)
  }
  return { photo, image, call, request, create, cancel, waitForQueued }
}

const lanesOf = (tasks: readonly TaskView[]) => tasks.map((task) => task.lane).sort()

describe('interactive tasks', () => {
  test('above the limit are queued in bulk, which their response shows', async () => {
    const ann = await createCaller('ann')
    const created = await Promise.all(Array.from({ length: 6 }, () => ann.create()))
    expect(lanesOf(created)).toEqual(['bulk', 'bulk', 'bulk', 'interactive', 'interactive', 'interactive'])
    for (const { id, lane } of created) {
      const last = await one.adapters.events.last('ann', id)
      expect(last?.event.task.lane).toBe(lane)
    }
    await ann.waitForQueued(other, 6)
    expect((await ann.create({ at: other })).lane).toBe('bulk')

    const [first] = created.filter((task) => task.lane === 'interactive')
    expect(first && (await ann.cancel(first))).toBe(200)
    await ann.waitForQueued(other, 6)
    expect((await ann.create({ at: other })).lane).toBe('interactive')
  })

  test('count while they run; bulk tasks do not count', async () => {
    const bob = await createCaller('bob')
    for (let n = 0; n < interactive; n += 1) expect((await bob.create({ lane: 'bulk' })).lane).toBe('bulk')
    const created = await Promise.all(Array.from({ length: interactive }, () => bob.create()))
    expect(lanesOf(created)).toEqual(['interactive', 'interactive', 'interactive'])
    for (const { id } of created) await advance('bob', id, 'running')
    await bob.waitForQueued(one, interactive)
    expect((await bob.create()).lane).toBe('bulk')
    await advance('bob', created[0]?.id ?? '', 'completed')
    await bob.waitForQueued(one, interactive + 1)
    expect((await bob.create()).lane).toBe('interactive')
  })
})

describe('queued tasks', () => {
  test('above the limit are refused and leave nothing behind', async () => {
    const cid = await createCaller('cid')
    const created: TaskView[] = []
    for (let n = 0; n < queued; n += 1) created.push(await cid.create(n % 2 === 0 ? {} : { lane: 'bulk' }))
    const before = await one.messages()
    const answer = await cid.request()
    expect(answer.headers.get('retry-after')).toBe('5')
    expect(await one.refusal(answer)).toMatchObject({
      status: 429,
      code: 'too_many_tasks',
      detail: expect.stringContaining('8 queued tasks'),
      remedy: expect.stringContaining('PIXELFLOW_MAX_QUEUED_PER_ACCOUNT'),
    })
    expect(await one.messages()).toEqual(before)
    await cid.waitForQueued(other, queued)
    expect(await one.refusal(cid.request({ at: other }))).toMatchObject({ code: 'too_many_tasks' })

    expect(created[0] && (await cid.cancel(created[0], other))).toBe(200)
    await cid.waitForQueued(one, queued - 1)
    await cid.create()
    expect((await cid.request()).status).toBe(429)
  })

  test('that are refused leave no uploaded image behind', async () => {
    const fay = await createCaller('fay')
    for (let n = 0; n < queued; n += 1) await fay.create({ lane: 'bulk' })
    const before = await one.imageRecords()
    const form = () => {
      const parts = new FormData()
      parts.append('file', new Blob([fay.photo], { type: 'image/jpeg' }), 'photo.jpg')
      parts.append('recipe', 'flip')
      return parts
    }
    const prefer = { prefer: 'respond-async' }
    const ways: [string, BunFetchRequestInit][] = [
      ['/api/v1/tasks', { body: form() }],
      ['/api/v1/tasks', { body: form(), headers: { 'idempotency-key': crypto.randomUUID() } }],
      ['/api/v1/process', { body: form(), headers: prefer }],
      [
        '/api/v1/process?recipe=flip',
        { body: new Blob([fay.photo, new Uint8Array(inlineMaxBytes)], { type: 'image/jpeg' }) },
      ],
    ]
    for (const [path, init] of ways) {
      const answer = await fay.call(path, { method: 'POST', ...init })
      expect([path, (await one.refusal(answer)).code]).toEqual([path, 'too_many_tasks'])
      expect(await one.imageRecords()).toBe(before)
    }
  })

  test('created concurrently use exactly the limit', async () => {
    const dee = await createCaller('dee')
    const responses = await Promise.all(Array.from({ length: 3 * queued }, () => dee.request()))
    expect(responses.filter((one) => one.status === 202)).toHaveLength(queued)
    expect(responses.filter((one) => one.status === 429)).toHaveLength(2 * queued)
  })

  test('of a repeated call are returned even when the limit is reached', async () => {
    const eve = await createCaller('eve')
    const key = crypto.randomUUID()
    const { id } = await eve.create({ key })
    for (let n = 1; n < queued; n += 1) await eve.create({ lane: 'bulk' })
    expect((await eve.request()).status).toBe(429)
    expect((await eve.create({ key })).id).toBe(id)

    // A record as a gateway leaves it that failed after it created the task.
    const record = await one.adapters.idempotencyRecords.get('eve', digest(key))
    if (!record) throw new Error('no record')
    const { created: _, ...left } = record.value
    await one.adapters.idempotencyRecords.compareAndSwap(
      'eve',
      digest(key),
      { ...left, state: 'open' },
      record.revision,
    )
    expect((await eve.create({ key, at: other })).id).toBe(id)
  })
})

test('after a restart, the task list is counted', async () => {
  const bob = await createCaller('bob')
  await one.restart()
  await bob.waitForQueued(one, interactive + 2)
  const lanes = lanesOf([await bob.create(), await bob.create()])
  expect(lanes).toEqual(['bulk', 'bulk'])
})

async function advance(account: string, task: string, to: 'running' | 'completed') {
  const last = await one.adapters.events.last(account, task)
  if (!last) throw new Error('no task')
  const kind = to === 'running' ? 'started' : 'completed'
  const event = { ...last.event, kind, task: { ...last.event.task, status: to } } as const
  await appendEvent(one.adapters.events, event, last.seq)
}

function digest(text: string): string {
  return new Bun.CryptoHasher('sha256').update(text).digest('hex')
}
