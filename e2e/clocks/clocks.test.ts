import { expect, test } from 'bun:test'
import { sampleImage } from '@pixelflow/testkit/images'
import { childrenOf, says } from '@pixelflow/testkit/process'
import { startStack, type GatewayProcess } from '@pixelflow/testkit/stack'
import { createTestClock } from '@pixelflow/testkit/test-clock'
import { until } from '@pixelflow/testkit/until'
import { client, followToEnd } from '../client.ts'

/** Processes whose wall clocks are hours off, or are set while they work, beside a broker whose clock is right. */

const hour = 3_600_000
/** Sweeps all the time, and takes nothing that is younger than the least grace. */
const sweeping = { PIXELFLOW_SWEEP_INTERVAL: '1s', PIXELFLOW_SWEEP_GRACE: '2m' }

const isSweep = says('sweep completed')
const sweepsOf = (gateway: GatewayProcess) => gateway.lines.filter(isSweep)

/** Waits until so many sweeps were begun and ended from now on. */
async function swept(gateway: GatewayProcess, times = 2): Promise<void> {
  const before = sweepsOf(gateway).length
  // One may be under way.
  await until(() => sweepsOf(gateway).length > before + times, 60_000)
}

async function bytesOf(url: string, image: string): Promise<Buffer> {
  const response = await fetch(`${url}/api/v1/images/${image}/content`)
  if (!response.ok) throw new Error(`The image ${image}: ${response.status} ${await response.text()}`)
  return Buffer.from(await response.arrayBuffer())
}

/** An upload that stops in its middle until `middle` has ended. */
async function uploadInTwo(url: string, bytes: Uint8Array, middle: () => Promise<void>) {
  const half = bytes.length >> 1
  async function* body() {
    yield bytes.subarray(0, half)
    await middle()
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

/** Of several chunks, and different each time. */
const largePicture = () => sampleImage({ width: 700, height: 600, format: 'png', noise: 64 })

test.each([2 * hour, -2 * hour])(
  'a gateway whose clock is off by %d ms removes nothing of an upload that is under way',
  async (offsetMs) => {
    await using stack = await startStack({ env: sweeping })
    await using clock = await createTestClock(offsetMs)
    const gateway = await stack.gateway({ clock })
    const bytes = await largePicture()
    expect(bytes.length).toBeGreaterThan(600_000)
    const { id } = await uploadInTwo(gateway.url, bytes, () => swept(gateway))
    await swept(gateway)
    expect(Buffer.compare(await bytesOf(gateway.url, id), Buffer.from(bytes))).toBe(0)
  },
  120_000,
)

test('a clock that is set during an upload takes nothing of it away', async () => {
  await using stack = await startStack({ env: sweeping })
  await using clock = await createTestClock()
  const gateway = await stack.gateway({ clock })
  const bytes = await largePicture()
  const { id } = await uploadInTwo(gateway.url, bytes, async () => {
    for (const offsetMs of [2 * hour, -2 * hour, 3 * hour]) {
      await clock.set(offsetMs)
      await swept(gateway)
    }
  })
  await swept(gateway)
  expect(Buffer.compare(await bytesOf(gateway.url, id), Buffer.from(bytes))).toBe(0)
}, 120_000)

test('what gateways and actors of different clocks accept is there, in its order, and told by one clock', async () => {
  await using stack = await startStack({ env: sweeping })
  await using ahead = await createTestClock(2 * hour)
  await using behind = await createTestClock(-2 * hour)
  const sweeper = await stack.gateway({ clock: ahead })
  await swept(sweeper, 0)
  const gateways = [sweeper, await stack.gateway(), await stack.gateway({ clock: behind })]
  await Promise.all([stack.actor({ clock: ahead }), stack.actor({ clock: behind })])

  const made: { image: string; task: string; bytes: Uint8Array }[] = []
  for (let n = 0; n < 12; n += 1) {
    const { url } = gateways[n % gateways.length] as GatewayProcess
    const bytes = await sampleImage({ width: 60, height: 40, format: 'png', seed: n, noise: 30 })
    const image = await client(url).upload(bytes, 'image/png')
    const { id } = await client(url).submit(image.id, 'resize:20/format:png')
    made.push({ image: image.id, task: id, bytes })
  }
  for (const { task } of made) await followToEnd(() => client(sweeper.url), task, { timeoutMs: 60_000 })
  await swept(sweeper)
  for (const { url } of gateways) {
    for (const { image, task, bytes } of made) {
      expect(Buffer.compare(await bytesOf(url, image), Buffer.from(bytes))).toBe(0)
      expect((await client(url).output(task)).length).toBeGreaterThan(0)
      const { createdAt, startedAt = '', endedAt = '' } = await client(url).task(task)
      expect([createdAt, startedAt, endedAt]).toEqual([createdAt, startedAt, endedAt].toSorted())
      expect(Math.abs(Date.now() - Date.parse(createdAt))).toBeLessThan(hour)
    }
    const { items } = await client(url).list('?limit=20')
    expect(items.map(({ id }) => id)).toEqual(made.map(({ task }) => task).toReversed())
    const health = await client(url).json<{ checks: { taskList: { lagMs: number } } }>('/health')
    expect(health.checks.taskList.lagMs).toBeLessThan(hour)
  }
}, 180_000)

test.each([2 * hour, -2 * hour])(
  'the next attempt comes in its time from an actor whose clock is off by %d ms',
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
