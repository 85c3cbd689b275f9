import { beforeAll, expect, test } from 'bun:test'
import type { TaskPageView, TaskView } from '@pixelflow/core/views'
import { pause } from '@pixelflow/core/pause'
import { sampleImage } from '@pixelflow/testkit/images'
import { startStack } from '@pixelflow/testkit/stack'

/** Delay between a call and the kill of its gateway, in milliseconds: before, during and after its work. */
const afterMs = [2, 5, 9, 14, 22]

let photo: Uint8Array<ArrayBuffer>
beforeAll(async () => {
  photo = new Uint8Array(await sampleImage({ width: 640, height: 480 }))
})

async function submit(url: string, key: string): Promise<Response> {
  const body = new FormData()
  body.set('recipe', 'flip')
  body.set('file', new Blob([photo], { type: 'image/jpeg' }), 'photo.jpg')
  return fetch(new URL('/api/v1/tasks', url), { method: 'POST', body, headers: { 'idempotency-key': key } })
}

/** Repeats a call until it succeeds, as a client does. */
async function again(url: string, key: string): Promise<TaskView> {
  for (const deadline = Date.now() + 15_000; Date.now() < deadline; await pause(200)) {
    const answer = await submit(url, key)
    if (answer.status === 202) return (await answer.json()) as TaskView
    expect(answer.status).toBe(409)
  }
  throw new Error('no answer')
}

async function tasksOf(url: string): Promise<TaskView[]> {
  const answer = await fetch(new URL('/api/v1/tasks?limit=200', url))
  return ((await answer.json()) as TaskPageView).items
}

test('a call whose gateway is killed runs once when it is repeated on another gateway with its key', async () => {
  await using stack = await startStack()
  const [survivor, first] = await Promise.all([stack.gateway(), stack.gateway()])
  let victim = first
  const keys = afterMs.map(() => crypto.randomUUID())
  const ids: string[] = []
  for (const [n, key] of keys.entries()) {
    // A first call, so that the delay hits the same step each time.
    await tasksOf(victim.url)
    const lost = submit(victim.url, key).catch(() => undefined)
    await pause(afterMs[n] ?? 0)
    victim.signal('SIGKILL')
    const answered = (await (await lost)?.json().catch(() => undefined)) as TaskView | undefined
    const task = await again(survivor.url, key)
    if (answered !== undefined) expect(task.id).toBe(answered.id)
    ids.push(task.id)
    if (n < afterMs.length - 1) victim = await stack.gateway()
  }
  const items = await tasksOf(survivor.url)
  expect(items.map(({ id }) => id).toSorted()).toEqual(ids.toSorted())
  expect(new Set(items.map(({ image }) => image)).size).toBe(afterMs.length)
}, 120_000)

test('a gateway that was frozen during a call returns the result of the gateway that repeated it', async () => {
  await using stack = await startStack()
  const [survivor, frozen] = await Promise.all([stack.gateway(), stack.gateway()])
  const ids: string[] = []
  for (const ms of afterMs) {
    const key = crypto.randomUUID()
    await tasksOf(frozen.url)
    const late = submit(frozen.url, key)
    await pause(ms)
    frozen.signal('SIGSTOP')
    const task = await again(survivor.url, key)
    frozen.signal('SIGCONT')
    const answer = await late
    expect(answer.status).toBe(202)
    expect(((await answer.json()) as TaskView).id).toBe(task.id)
    ids.push(task.id)
  }
  const items = await tasksOf(frozen.url)
  expect(items.map(({ id }) => id).toSorted()).toEqual(ids.toSorted())
}, 120_000)
