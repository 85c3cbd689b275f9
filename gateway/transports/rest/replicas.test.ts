import { expect, test } from 'bun:test'
import type { TaskPageView, TaskView } from '@pixelflow/core/views'
import { sampleImage } from '@pixelflow/testkit/images'
import { openTestGateway } from '../../testing/test-gateway.ts'

test('a write through one gateway is in the list of another at once', async () => {
  await using one = await openTestGateway()
  const other = await one.another()
  const listed = async (url: string, query = '') => {
    const answer = await fetch(new URL(`/api/v1/tasks?limit=200${query}`, url))
    return ((await answer.json()) as TaskPageView).items.map(({ id }) => id)
  }
  const { id: image } = await one.image(await sampleImage({ width: 40, height: 30 }))
  const urls = [one.url, other.url]
  for (let n = 0; n < 40; n += 1) {
    const [here = '', there = ''] = n % 2 ? urls : urls.toReversed()
    const made = await fetch(new URL('/api/v1/tasks', here), {
      method: 'POST',
      body: JSON.stringify({ image, recipe: 'flip' }),
      headers: { 'content-type': 'application/json' },
    })
    const { id } = (await made.json()) as TaskView
    expect((await listed(there))[0]).toBe(id)
    await fetch(new URL(`/api/v1/tasks/${id}/cancel`, here), { method: 'POST' })
    expect(await listed(there, '&status=queued')).not.toContain(id)
    await fetch(new URL(`/api/v1/tasks/${id}`, here), { method: 'DELETE' })
    expect(await listed(there)).toEqual([])
  }
}, 30_000)

test('a list does not wait long for an unavailable broker', async () => {
  await using one = await openTestGateway()
  const { id: image } = await one.image(await sampleImage({ width: 40, height: 30 }))
  const { id } = await one.submit(image)
  expect((await one.call('/api/v1/tasks')).status).toBe(200)
  await one.nats.kill9()
  const begun = performance.now()
  const { items } = (await (await one.call('/api/v1/tasks')).json()) as TaskPageView
  expect(items.map((task) => task.id)).toEqual([id])
  expect(performance.now() - begun).toBeLessThan(2000)
  await one.nats.restart()
}, 30_000)
