import { describe, expect, test } from 'bun:test'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { TaskPageView } from '@pixelflow/core/views'
import { sampleImage } from '@pixelflow/testkit/images'
import { waitFor } from '@pixelflow/testkit/wait-for'
import { openTestGateway, type TestGateway } from '../testing/test-gateway.ts'

const listed = async (gateway: TestGateway) => {
  const answer = await gateway.call('/api/v1/tasks?limit=200')
  if (!answer.ok) throw new Error(await answer.text())
  return ((await answer.json()) as TaskPageView).items
}

async function withTasks(gateway: TestGateway, count: number): Promise<string[]> {
  const { id: image } = await gateway.image(await sampleImage({ width: 20, height: 20 }))
  const ids: string[] = []
  for (let n = 0; n < count; n++) ids.unshift((await gateway.submit(image)).id)
  await gateway.advance(ids[0] as string, 'started', { status: 'running', attempt: 1 })
  return ids
}

const file = (gateway: TestGateway) => join(gateway.dataDir, 'gateway', 'tasks.sqlite')

describe('the task list', () => {
  test('is complete after a restart with its file, without it, and with a damaged one', async () => {
    await using gateway = await openTestGateway()
    const ids = await withTasks(gateway, 30)
    await waitFor(
      'newest task running in the list',
      async () => (await listed(gateway))[0]?.status,
      (status) => status === 'running',
    )
    const before = await listed(gateway)
    expect(before.map((one) => one.id)).toEqual(ids)

    await gateway.restart()
    expect(await listed(gateway)).toEqual(before)
    await gateway.restart(() => rm(join(gateway.dataDir, 'gateway'), { recursive: true }))
    expect(await listed(gateway)).toEqual(before)
    await gateway.restart(async () => void (await Bun.write(file(gateway), 'this is not a database')))
    expect(await listed(gateway)).toEqual(before)
    expect(await Bun.file(`${file(gateway)}.damaged`).exists()).toBe(true)
  }, 30_000)

  test('includes events from the time while the gateway was down', async () => {
    await using gateway = await openTestGateway()
    const [id = ''] = await withTasks(gateway, 3)
    await gateway.restart(async () => {
      await gateway.advance(id, 'completed', { status: 'completed', progress: 100 })
    })
    expect((await listed(gateway))[0]).toMatchObject({ id, status: 'completed' })
  }, 20_000)

  test('includes every write through this gateway immediately', async () => {
    await using gateway = await openTestGateway()
    const { id: image } = await gateway.image(await sampleImage({ width: 20, height: 20 }))
    for (let n = 0; n < 50; n++) {
      const { id } = await gateway.submit(image)
      expect((await listed(gateway))[0]?.id).toBe(id)
      await gateway.cancelTask(id)
      expect((await listed(gateway))[0]).toMatchObject({ id, status: 'cancelled' })
    }
  }, 20_000)

  test('includes an event before a watcher sees it', async () => {
    await using gateway = await openTestGateway()
    const { id: image } = await gateway.image(await sampleImage({ width: 20, height: 20 }))
    const { id } = await gateway.submit(image)
    const stream = await gateway.call(`/api/v1/tasks/${id}/events`)
    await gateway.advance(id, 'completed', { status: 'completed', progress: 100 })
    for await (const chunk of stream.body ?? []) {
      if (!new TextDecoder().decode(chunk).includes('event: completed')) continue
      expect((await listed(gateway))[0]).toMatchObject({ id, status: 'completed' })
    }
  }, 20_000)

  test('continues after the broker was killed and restarted', async () => {
    await using gateway = await openTestGateway()
    const ids = await withTasks(gateway, 5)
    await gateway.nats.kill9()
    // Long enough for attempts to reconnect to fail.
    await Bun.sleep(300)
    await gateway.nats.restart()
    const [image = ''] = (await listed(gateway)).map((one) => one.image)
    const { id } = await gateway.submit(image)
    expect((await listed(gateway)).map((one) => one.id)).toEqual([id, ...ids])
  }, 40_000)

  test('is rebuilt when the log was recreated', async () => {
    await using gateway = await openTestGateway()
    await withTasks(gateway, 5)
    await gateway.loseEvents('recreated')
    await waitFor(
      'empty task list',
      async () => {
        const { ok, status } = await gateway.call('/api/v1/tasks')
        return ok ? (await listed(gateway)).length : `status ${status}`
      },
      (length) => length === 0,
      { timeoutMs: 20_000 },
    )
    const { id: image } = await gateway.image(await sampleImage({ width: 20, height: 20 }))
    const { id } = await gateway.submit(image)
    expect((await listed(gateway)).map((one) => one.id)).toEqual([id])
  }, 60_000)

  test('is ready immediately when all events have expired', async () => {
    await using gateway = await openTestGateway()
    await withTasks(gateway, 5)
    await gateway.restart(async () => {
      await rm(file(gateway))
      await gateway.loseEvents('purged')
    })
    const begin = performance.now()
    expect(await listed(gateway)).toEqual([])
    expect(performance.now() - begin).toBeLessThan(1000)
    expect((await gateway.call('/health/ready')).status).toBe(200)
  }, 20_000)
})

test('two gateways return the same list', async () => {
  await using gateway = await openTestGateway()
  const ids = await withTasks(gateway, 5)
  const other = await gateway.another()
  const answer = (await (await fetch(`${other.url}/api/v1/tasks`)).json()) as TaskPageView
  expect(answer.items.map((one) => one.id)).toEqual(ids)
})
