import { expect, test } from 'bun:test'
import type { TaskPageView, TaskView } from '@pixelflow/core/api'
import { pause } from '@pixelflow/core/pause'
import { sampleImage } from '@pixelflow/testkit/images'
import { startStack } from '@pixelflow/testkit/stack'

/** How long after a call was sent its gateway is killed, in milliseconds: before, within and after what it does. */
const afterMs = [2, 5, 9, 14, 22]

test('a gateway killed in the middle of a call: made again elsewhere under its key, it is done once', async () => {
  await using stack = await startStack()
  const [survivor, first] = await Promise.all([stack.gateway(), stack.gateway()])
  const photo = new Uint8Array(await sampleImage({ width: 640, height: 480 }))
  const submit = async (url: string, key: string) => {
    const body = new FormData()
    body.set('recipe', 'flip')
    body.set('file', new Blob([photo], { type: 'image/jpeg' }), 'photo.jpg')
    return fetch(new URL('/api/v1/tasks', url), {
      method: 'POST',
      body,
      headers: { 'idempotency-key': key },
    })
  }
  const again = async (key: string): Promise<TaskView> => {
    for (const deadline = Date.now() + 15_000; Date.now() < deadline; await pause(200)) {
      const answer = await submit(survivor.url, key)
      if (answer.status === 202) return (await answer.json()) as TaskView
      expect(answer.status).toBe(409)
    }
    throw new Error('no answer')
  }

  let victim = first
  const keys = afterMs.map(() => crypto.randomUUID())
  const ids: string[] = []
  for (const [n, key] of keys.entries()) {
    // Warm, so that the moment means something.
    await fetch(new URL('/api/v1/tasks', victim.url))
    const lost = submit(victim.url, key).catch(() => undefined)
    await pause(afterMs[n] ?? 0)
    victim.signal('SIGKILL')
    const told = (await (await lost)?.json().catch(() => undefined)) as TaskView | undefined
    const task = await again(key)
    if (told !== undefined) expect(task.id).toBe(told.id)
    ids.push(task.id)
    if (n < afterMs.length - 1) victim = await stack.gateway()
  }
  const { items } = (await (
    await fetch(new URL('/api/v1/tasks?limit=200', survivor.url))
  ).json()) as TaskPageView
  expect(items.map(({ id }) => id).toSorted()).toEqual(ids.toSorted())
  expect(new Set(items.map(({ image }) => image)).size).toBe(afterMs.length)
}, 120_000)
