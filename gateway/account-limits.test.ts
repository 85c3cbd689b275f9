import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import type { TaskView } from '@pixelflow/core/api'
import type { Lane } from '@pixelflow/core/job'
import { sampleImage } from '@pixelflow/testkit/images'
import type { Gateway } from './gateway.ts'
import { openTestGateway, until, type TestGateway } from './testing/test-gateway.ts'

/** Two gateways that agree on how much of one account may be under way. */

const interactive = 3
const queued = 8
const largestInline = 1000
let one: TestGateway
let other: Gateway

beforeAll(async () => {
  const tokens = ['ann', 'bob', 'cid', 'dee', 'eve', 'fay']
    .map((name) => `${name}:secret-of-${name}`)
    .join(',')
  one = await openTestGateway({
    env: {
      PIXELFLOW_API_TOKENS: tokens,
      PIXELFLOW_ACCOUNT_INTERACTIVE: String(interactive),
      PIXELFLOW_ACCOUNT_QUEUED: String(queued),
      PIXELFLOW_INLINE_MAX_BYTES: String(largestInline),
    },
  })
  other = await one.another()
}, 60_000)
afterAll(() => one?.[Symbol.asyncDispose]())

interface Asked {
  readonly at?: { readonly url: string }
  readonly lane?: Lane
  readonly key?: string
}

/** What one account can do. */
async function callerOf(name: string) {
  const authorization = `Bearer secret-of-${name}`
  const photo = new Uint8Array(await sampleImage({ width: 30, height: 20 }))
  const { id: image } = await one.image(photo, { authorization })
  const call = (path: string, { at = one, ...init }: Asked & BunFetchRequestInit = {}) =>
    fetch(new URL(path, at.url), { ...init, headers: { authorization, ...init.headers } })
  const ask = ({ at, lane, key }: Asked = {}) =>
    call('/api/v1/tasks', {
      ...(at && { at }),
      method: 'POST',
      body: JSON.stringify({ image, recipe: 'flip', lane }),
      headers: { 'content-type': 'application/json', ...(key && { 'idempotency-key': key }) },
    })
  const make = async (asked?: Asked) => {
    const answer = await ask(asked)
    if (answer.status !== 202) throw new Error(`${answer.status}: ${await answer.text()}`)
    return (await answer.json()) as TaskView
  }
  const cancel = async ({ id }: TaskView, at: { readonly url: string } = one) =>
    (await call(`/api/v1/tasks/${id}/cancel`, { at, method: 'POST' })).status
  /** Until that gateway, which has done nothing itself, has read all that the other one has done. */
  const known = async (at: { readonly url: string }, waiting: number) => {
    await until(async () => {
      const page = (await (await call('/api/v1/tasks?status=queued', { at })).json()) as { items: unknown[] }
      return page.items.length === waiting
    })
  }
  return { photo, image, call, ask, make, cancel, known }
}

const lanesOf = (tasks: readonly TaskView[]) => tasks.map((task) => task.lane).sort()

describe('of interactive tasks', () => {
  test('an account has so many; the rest of what it asks for at once waits in bulk, and says so', async () => {
    const ann = await callerOf('ann')
    const made = await Promise.all(Array.from({ length: 6 }, () => ann.make()))
    expect(lanesOf(made)).toEqual(['bulk', 'bulk', 'bulk', 'interactive', 'interactive', 'interactive'])
    for (const { id, lane } of made) {
      const last = await one.adapters.events.last('ann', id)
      expect(last?.event.task.lane).toBe(lane)
    }
    await ann.known(other, 6)
    expect((await ann.make({ at: other })).lane).toBe('bulk')

    const [first] = made.filter((task) => task.lane === 'interactive')
    expect(first && (await ann.cancel(first))).toBe(200)
    await ann.known(other, 6)
    expect((await ann.make({ at: other })).lane).toBe('interactive')
  })

  test('those that run count, those in bulk do not', async () => {
    const bob = await callerOf('bob')
    for (let n = 0; n < interactive; n += 1) expect((await bob.make({ lane: 'bulk' })).lane).toBe('bulk')
    const made = await Promise.all(Array.from({ length: interactive }, () => bob.make()))
    expect(lanesOf(made)).toEqual(['interactive', 'interactive', 'interactive'])
    for (const { id } of made) await advance('bob', id, 'running')
    await bob.known(one, interactive)
    expect((await bob.make()).lane).toBe('bulk')
    await advance('bob', made[0]?.id ?? '', 'completed')
    await bob.known(one, interactive + 1)
    expect((await bob.make()).lane).toBe('interactive')
  })
})

describe('of tasks that wait', () => {
  test('an account has so many; further ones are refused, and nothing is left of them', async () => {
    const cid = await callerOf('cid')
    const made: TaskView[] = []
    for (let n = 0; n < queued; n += 1) made.push(await cid.make(n % 2 === 0 ? {} : { lane: 'bulk' }))
    const before = await one.messages()
    const answer = await cid.ask()
    expect(answer.headers.get('retry-after')).toBe('5')
    expect(await one.refusal(answer)).toMatchObject({
      status: 429,
      code: 'too_many_tasks',
      detail: expect.stringContaining('8 queued tasks'),
      remedy: expect.stringContaining('PIXELFLOW_ACCOUNT_QUEUED'),
    })
    expect(await one.messages()).toEqual(before)
    await cid.known(other, queued)
    expect(await one.refusal(cid.ask({ at: other }))).toMatchObject({ code: 'too_many_tasks' })

    expect(made[0] && (await cid.cancel(made[0], other))).toBe(200)
    await cid.known(one, queued - 1)
    await cid.make()
    expect((await cid.ask()).status).toBe(429)
  })

  test('a picture that came with a call that is refused goes with it', async () => {
    const fay = await callerOf('fay')
    for (let n = 0; n < queued; n += 1) await fay.make({ lane: 'bulk' })
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
        { body: new Blob([fay.photo, new Uint8Array(largestInline)], { type: 'image/jpeg' }) },
      ],
    ]
    for (const [path, init] of ways) {
      const answer = await fay.call(path, { method: 'POST', ...init })
      expect([path, (await one.refusal(answer)).code]).toEqual([path, 'too_many_tasks'])
      expect(await one.imageRecords()).toBe(before)
    }
  })

  test('many at once get as much room as there is', async () => {
    const dee = await callerOf('dee')
    const answers = await Promise.all(Array.from({ length: 3 * queued }, () => dee.ask()))
    expect(answers.filter((one) => one.status === 202)).toHaveLength(queued)
    expect(answers.filter((one) => one.status === 429)).toHaveLength(2 * queued)
  })

  test('a call that was answered is answered the same, with no room left', async () => {
    const eve = await callerOf('eve')
    const key = crypto.randomUUID()
    const { id } = await eve.make({ key })
    for (let n = 1; n < queued; n += 1) await eve.make({ lane: 'bulk' })
    expect((await eve.ask()).status).toBe(429)
    expect((await eve.make({ key })).id).toBe(id)

    // Somebody died between making this task and answering so.
    const record = await one.adapters.keys.get('eve', digest(key))
    if (!record) throw new Error('no record')
    const { made: _, ...left } = record.value
    await one.adapters.keys.compareAndSwap('eve', digest(key), { ...left, state: 'open' }, record.revision)
    expect((await eve.make({ key, at: other })).id).toBe(id)
  })
})

test('after a restart the counts are those of the task list', async () => {
  const bob = await callerOf('bob')
  await one.restart()
  await bob.known(one, interactive + 2)
  const lanes = lanesOf([await bob.make(), await bob.make()])
  expect(lanes).toEqual(['bulk', 'bulk'])
})

async function advance(account: string, task: string, to: 'running' | 'completed') {
  const last = await one.adapters.events.last(account, task)
  if (!last) throw new Error('no task')
  const kind = to === 'running' ? 'started' : 'completed'
  const event = { ...last.event, kind, task: { ...last.event.task, status: to } } as const
  await one.adapters.events.append(event, last.seq)
}

function digest(text: string): string {
  return new Bun.CryptoHasher('sha256').update(text).digest('hex')
}
