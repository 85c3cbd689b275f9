import { expect, test } from 'bun:test'
import { sampleImage } from '@pixelflow/testkit/images'
import { childrenOf, hasMessage } from '@pixelflow/testkit/process'
import { startStack, type GatewayProcess } from '@pixelflow/testkit/stack'
import { createTestClock } from '@pixelflow/testkit/test-clock'
import { waitFor } from '@pixelflow/testkit/wait-for'
import { client, followToEnd } from '../client.ts'

/** Processes whose wall clocks are hours off, or are set while they work. The clock of the broker is correct. */

const hour = 3_600_000
/** Sweeps all the time, with the smallest grace. */
const sweeping = { PIXELFLOW_SWEEP_INTERVAL: '1s', PIXELFLOW_SWEEP_GRACE: '2m' }

const isSweep = hasMessage('sweep completed')
const sweepsOf = (gateway: GatewayProcess) => gateway.lines.filter(isSweep)

/** Waits until this many complete sweeps have run from now on. */
async function waitForSweeps(gateway: GatewayProcess, times = 2): Promise<void> {
  const before = sweepsOf(gateway).length
  // One more, because the first may have started before the call.
  await waitFor(
    'sweeps completed',
    () => sweepsOf(gateway).length - before,
    (count) => count > times,
    { timeoutMs: 60_000 },
  )
}

async function downloadImage(url: string, image: string): Promise<Buffer> {
  const response = await fetch(`${url}/api/v1/images/${image}/content`)
  if (!response.ok) throw new Error(`Image ${image}: ${response.status} ${await response.text()}`)
  return Buffer.from(await response.arrayBuffer())
}

/** Uploads one half, runs `between`, and uploads the other half. */
async function uploadInHalves(url: string, bytes: Uint8Array, between: () => Promise<void>) {
  const half = bytes.length >> 1
  async function* body() {
    yield bytes.subarray(0, half)
    await between()
    yield bytes.subarray(half)
  }
  const response = await fetch(`${url}/api/v1/images`, {
    method: 'POST',
    body: body() as unknown as ReadableStream,
    headers: { 'content-type': 'image/png' },
  })
  expect(response.status).toBe(201)
  return (await response.json()) as { id: string }
}

/** A file of several chunks. */
const largeImage = () => sampleImage({ width: 700, height: 600, format: 'png', noise: 64 })

test.each([2 * hour, -2 * hour])(
  'a gateway whose clock is off by %d ms keeps the chunks of an upload in progress',
  async (offsetMs) => {
    await using stack = await startStack({ env: sweeping })
    await using clock = await createTestClock(offsetMs)
    const gateway = await stack.gateway({ clock })
    const bytes = await largeImage()
    expect(bytes.length).toBeGreaterThan(600_000)
    const { id } = await uploadInHalves(gateway.url, bytes, () => waitForSweeps(gateway))
    await waitForSweeps(gateway)
    expect(Buffer.compare(await downloadImage(gateway.url, id), Buffer.from(bytes))).toBe(0)
  },
  120_000,
)

test('setting the clock of a gateway during an upload removes none of its chunks', async () => {
  await using stack = await startStack({ env: sweeping })
  await using clock = await createTestClock()
  const gateway = await stack.gateway({ clock })
  const bytes = await largeImage()
  const { id } = await uploadInHalves(gateway.url, bytes, async () => {
    for (const offsetMs of [2 * hour, -2 * hour, 3 * hour]) {
      await clock.set(offsetMs)
      await waitForSweeps(gateway)
    }
  })
  await waitForSweeps(gateway)
  expect(Buffer.compare(await downloadImage(gateway.url, id), Buffer.from(bytes))).toBe(0)
}, 120_000)

test('gateways and actors with different clocks store every image and task, in order and with correct times', async () => {
  await using stack = await startStack({ env: sweeping })
  await using ahead = await createTestClock(2 * hour)
  await using behind = await createTestClock(-2 * hour)
  const sweeper = await stack.gateway({ clock: ahead })
  await waitForSweeps(sweeper, 0)
  const gateways = [sweeper, await stack.gateway(), await stack.gateway({ clock: behind })]
  await Promise.all([stack.actor({ clock: ahead }), stack.actor({ clock: behind })])

  const created: { image: string; task: string; bytes: Uint8Array }[] = []
  for (let n = 0; n < 12; n += 1) {
    const { url } = gateways[n % gateways.length] as GatewayProcess
    const bytes = await sampleImage({ width: 60, height: 40, format: 'png', seed: n, noise: 30 })
    const image = await client(url).upload(bytes, 'image/png')
    const { id } = await client(url).submit(image.id, 'resize:20/format:png')
    created.push({ image: image.id, task: id, bytes })
  }
  for (const { task } of created) await followToEnd(() => client(sweeper.url), task, { timeoutMs: 60_000 })
  await waitForSweeps(sweeper)
  for (const { url } of gateways) {
    for (const { image, task, bytes } of created) {
      expect(Buffer.compare(await downloadImage(url, image), Buffer.from(bytes))).toBe(0)
      expect((await client(url).output(task)).length).toBeGreaterThan(0)
      const { createdAt, startedAt = '', endedAt = '' } = await client(url).task(task)
      expect([createdAt, startedAt, endedAt]).toEqual([createdAt, startedAt, endedAt].toSorted())
      expect(Math.abs(Date.now() - Date.parse(createdAt))).toBeLessThan(hour)
    }
    const { items } = await client(url).list('?limit=20')
    expect(items.map(({ id }) => id)).toEqual(created.map(({ task }) => task).toReversed())
    const health = await client(url).json<{ checks: { taskList: { lagMs: number } } }>('/health')
    expect(health.checks.taskList.lagMs).toBeLessThan(hour)
  }
}, 180_000)

test.each([2 * hour, -2 * hour])(
  'an actor whose clock is off by %d ms starts the next attempt in time',
  async (offsetMs) => {
    await using stack = await startStack()
    await using clock = await createTestClock(offsetMs)
    const gateway = await stack.gateway()
    const actor = await stack.actor({ clock, env: { PIXELFLOW_ACTOR_CONCURRENCY: '1' } })
    const api = client(gateway.url)
    const image = await api.upload(await sampleImage({ width: 3000, height: 2000 }))
    const { id } = await api.submit(image.id, 'blur:40/resize:1500/format:webp:effort=6')
    for await (const { view } of api.events(id)) if (view.kind === 'decoded') break
    for (const pid of await childrenOf(actor.pid)) process.kill(pid, 'SIGKILL')
    const seen = await followToEnd(() => api, id, { timeoutMs: 90_000 })
    expect(seen.at(-1)?.view.kind).toBe('completed')
    expect(seen.at(-1)?.view.task.attempt).toBe(2)
  },
  120_000,
)
