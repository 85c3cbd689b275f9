import { expect, test } from 'bun:test'
import type { TaskPageView } from '@pixelflow/core/views'
import { sampleImage } from '@pixelflow/testkit/images'
import { stays, waitFor } from '@pixelflow/testkit/wait-for'
import { openTestGateway } from '../../testing/test-gateway.ts'

test('a full queue refuses a task and stores nothing', async () => {
  await using gateway = await openTestGateway({ env: { PIXELFLOW_MAX_QUEUED: '1' } })
  const photo = await sampleImage({ width: 20, height: 20 })
  const { id: image } = await gateway.image(photo)
  const first = await gateway.submit(image)
  const body = JSON.stringify({ image, recipe: 'flip' })
  const headers = { 'content-type': 'application/json' }
  const answer = await gateway.call('/api/v1/tasks', { method: 'POST', body, headers })
  expect(answer.headers.get('retry-after')).toBe('5')
  expect(await gateway.refusal(answer)).toMatchObject({ status: 503, code: 'queue_full' })
  const form = new FormData()
  form.set('file', new Blob([new Uint8Array(photo)], { type: 'image/jpeg' }), 'photo.jpg')
  form.set('recipe', 'flip')
  const sent = gateway.call('/api/v1/tasks', { method: 'POST', body: form })
  expect(await gateway.refusal(sent)).toMatchObject({ code: 'queue_full' })
  expect(await gateway.imageRecords()).toBe(1)
  const { items } = (await (await gateway.call('/api/v1/tasks')).json()) as TaskPageView
  expect(items.map((one) => one.id)).toEqual([first.id])
})

test('without the broker the gateway is not ready and calls wait; they work when it is back', async () => {
  await using gateway = await openTestGateway()
  const photo = await sampleImage({ width: 200, height: 200 })
  const { id: image } = await gateway.image(photo)
  const { id } = await gateway.submit(image)
  await gateway.nats.kill9()
  const ready = await gateway.call('/health/ready')
  expect([ready.status, await ready.json()]).toEqual([503, { status: 'unavailable' }])
  expect((await gateway.call('/health/live')).status).toBe(200)
  const during = Promise.all([gateway.call(`/api/v1/tasks/${id}`), gateway.upload(new Uint8Array(photo))])
  const isAnswered = during.then(() => true)
  await stays('both calls wait', async () => !(await Promise.race([isAnswered, Bun.sleep(1)])), 300)
  await gateway.nats.restart()
  // On a slow machine, the store timeout of a call may end before the broker is back.
  const [read, written] = await during
  expect([200, 503]).toContain(read.status)
  expect([201, 503]).toContain(written.status)
  const after = await gateway.submit(image)
  const { items } = (await (await gateway.call('/api/v1/tasks')).json()) as TaskPageView
  expect(items.map((one) => one.id)).toEqual([after.id, id])
  // The write check has to succeed again.
  await waitFor(
    'gateway ready',
    async () => (await gateway.call('/health/ready')).status,
    (status) => status === 200,
  )
}, 40_000)
