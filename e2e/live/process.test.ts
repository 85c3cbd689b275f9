import { afterEach, beforeEach, describe, expect, test } from 'bun:test'
import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Problem } from '@pixelflow/core/problem'
import type { TaskView } from '@pixelflow/core/views'
import { sampleImage } from '@pixelflow/testkit/images'
import { childrenOf, residentBytes } from '@pixelflow/testkit/process'
import { startStack, type Stack } from '@pixelflow/testkit/stack'
import { waitFor } from '@pixelflow/testkit/wait-for'
import sharp from 'sharp'
import { client } from '../client.ts'

/** Synchronous processing with the real processes. */

let stack: Stack
let scratch: string
beforeEach(async () => {
  scratch = await mkdtemp(join(tmpdir(), 'pixelflow-e2e-live-'))
  stack = await startStack({ env: { PIXELFLOW_LIVE_CONCURRENCY: '2', PIXELFLOW_SCRATCH_DIR: scratch } })
}, 60_000)
afterEach(async () => {
  await stack?.[Symbol.asyncDispose]()
  await rm(scratch, { recursive: true, force: true })
}, 30_000)

/** Takes a second or more. */
const heavy = 'blur:40/resize:1500/format:webp:effort=6'

const post = (url: string, query: string, bytes: Uint8Array, init: RequestInit = {}) =>
  client(url).call(`/api/v1/process${query}`, {
    method: 'POST',
    body: bytes as Uint8Array<ArrayBuffer>,
    ...init,
    headers: { 'content-type': 'image/jpeg' },
  })

/** Scratch folders of work in progress. A call is answered before its own folder is removed. */
async function scratchFolders(): Promise<string[]> {
  const homes = await readdir(scratch)
  const all = await Promise.all(homes.map((home) => readdir(join(scratch, home))))
  return all.flat().filter((name) => name.startsWith('task-'))
}
const workBegan = () => waitFor('scratch folder of the call', scratchFolders, (folders) => folders.length > 0)
const scratchIsEmpty = () =>
  waitFor('scratch folders removed', scratchFolders, (folders) => folders.length === 0)

test('an image of any size is processed, and its scratch files are removed', async () => {
  const [gateway] = await Promise.all([
    stack.gateway({ env: { PIXELFLOW_INLINE_MAX_BYTES: '2MiB' } }),
    stack.actor(),
  ])
  const sizes = [
    [300, 200],
    [2725, 2225],
    [4000, 3000],
  ] as const
  for (const [width, height] of sizes) {
    const source = await sampleImage({ width, height })
    const response = await post(gateway.url, '?recipe=resize:120/format:webp', source)
    expect(response.status).toBe(200)
    const bytes = new Uint8Array(await response.arrayBuffer())
    expect(await sharp(bytes).metadata()).toMatchObject({
      format: 'webp',
      width: 120,
      height: Math.round((120 * height) / width),
    })
    expect(response.headers.get('content-length')).toBe(String(bytes.length))
    // An image beyond the limit is processed as a task.
    expect(response.headers.has('content-location')).toBe(source.length > 2 * 2 ** 20)
  }
  await scratchIsEmpty()
  const { items } = await client(gateway.url).list()
  expect(items.map(({ status }) => status)).toEqual(['completed'])
}, 60_000)

test('corrupt files do not affect the calls with valid files beside them', async () => {
  const [gateway, actor] = await Promise.all([stack.gateway(), stack.actor()])
  const children = await childrenOf(actor.pid)
  const good = await sampleImage({ width: 800, height: 600, format: 'png' })
  const bomb = new Uint8Array(good)
  new DataView(bomb.buffer).setUint32(16, 60_000)
  new DataView(bomb.buffer).setUint32(20, 60_000)
  const bad = [
    good.subarray(0, good.length >> 1),
    bomb,
    new Uint8Array([0xff, 0xd8, 0xff, ...new Uint8Array(900)]),
  ]
  const responses = await Promise.all(
    Array.from({ length: 24 }, async (_, i) => {
      const response = await post(gateway.url, '?recipe=resize:90', bad[i % 4] ?? good)
      const code = response.ok ? 'ok' : ((await response.json()) as Problem).code
      return `${i % 4} ${code}`
    }),
  )
  expect([...new Set(responses)].toSorted()).toEqual([
    '0 corrupt_image',
    '1 too_many_pixels',
    '2 corrupt_image',
    '3 ok',
  ])
  expect(await childrenOf(actor.pid)).toEqual(expect.arrayContaining(children))
  await scratchIsEmpty()
}, 60_000)

describe('during a call', () => {
  test('an actor is killed: another actor completes the call', async () => {
    const gateway = await stack.gateway()
    const first = await stack.actor()
    const answer = post(gateway.url, `?recipe=${heavy}`, await sampleImage({ width: 3000, height: 2000 }))
    await workBegan()
    const second = stack.actor()
    first.signal('SIGKILL')
    await second
    const response = await answer
    expect([response.status, response.headers.get('content-type')]).toEqual([200, 'image/webp'])
    expect(await first.exited).toBe(137)
  }, 60_000)

  test('the workers are killed: another worker completes the call', async () => {
    const [gateway, actor] = await Promise.all([stack.gateway(), stack.actor()])
    const answer = post(gateway.url, `?recipe=${heavy}`, await sampleImage({ width: 3000, height: 2000 }))
    await workBegan()
    for (const pid of await childrenOf(actor.pid)) process.kill(pid, 'SIGKILL')
    expect((await answer).status).toBe(200)
  }, 60_000)

  test('the broker is restarted: the call succeeds or fails with a retryable error', async () => {
    const [gateway] = await Promise.all([stack.gateway(), stack.actor()])
    const source = await sampleImage({ width: 3000, height: 2000 })
    const answer = post(gateway.url, `?recipe=${heavy}`, source)
    await workBegan()
    await stack.nats.kill9()
    await stack.nats.restart()
    const response = await answer
    if (response.status !== 200) {
      const { code } = (await response.json()) as Problem
      expect(['actor_lost', 'unavailable', 'storage_failed']).toContain(code)
      expect(response.headers.get('retry-after')).not.toBeNull()
    }
    await waitFor(
      'call succeeds after the restart',
      async () => (await post(gateway.url, '?recipe=resize:90', source)).status,
      (status) => status === 200,
    )
  }, 60_000)

  test('the client disconnects: its worker is killed within a second', async () => {
    const [gateway, actor] = await Promise.all([stack.gateway(), stack.actor()])
    const children = await childrenOf(actor.pid)
    const residentOfWorkers = () => Promise.all(children.map(residentBytes))
    const largestWorker = async () => Math.max(...(await residentOfWorkers()))
    const idleBytes = await largestWorker()
    const source = await sampleImage({ width: 3000, height: 2000 })
    const { hostname, port } = new URL(gateway.url)
    const socket = connect(Number(port), hostname)
    socket.write(
      `POST /api/v1/process?recipe=${heavy} HTTP/1.1\r\nHost: ${hostname}:${port}\r\n` +
        `Content-Type: image/jpeg\r\nContent-Length: ${source.length}\r\n\r\n`,
    )
    socket.write(source)
    await waitFor('a worker decodes the image', largestWorker, (bytes) => bytes > idleBytes + 4 * 2 ** 20)
    const disconnectedAt = performance.now()
    socket.destroy()
    const countRunning = async () => (await residentOfWorkers()).filter((bytes) => bytes > 0).length
    await waitFor('a worker killed', countRunning, (count) => count < children.length)
    expect(performance.now() - disconnectedAt).toBeLessThan(1000)
    await scratchIsEmpty()
  }, 60_000)

  test('the actors are restarted in turn: no call fails', async () => {
    const gateway = await stack.gateway()
    let actor = await stack.actor()
    const source = await sampleImage({ width: 600, height: 400 })
    const statuses: number[] = []
    let isStopped = false
    const sendCalls = async () => {
      const endMs = performance.now() + 80_000
      while (!isStopped && performance.now() < endMs)
        statuses.push((await post(gateway.url, '?recipe=resize:90', source)).status)
    }
    const callers = Array.from({ length: 4 }, sendCalls)
    for (let i = 0; i < 3; i += 1) {
      const next = await stack.actor()
      actor.signal('SIGTERM')
      expect(await actor.exited).toBe(0)
      actor = next
    }
    isStopped = true
    await Promise.all(callers)
    expect(statuses.length).toBeGreaterThan(20)
    expect(statuses.filter((status) => status !== 200)).toEqual([])
  }, 90_000)
})

test('synchronous calls overtake queued tasks, and calls beyond the capacity wait their turn', async () => {
  const [gateway] = await Promise.all([
    stack.gateway(),
    stack.actor({ env: { PIXELFLOW_ACTOR_CONCURRENCY: '1' } }),
  ])
  const api = client(gateway.url)
  const image = await api.upload(await sampleImage({ width: 3000, height: 2000 }))
  const tasks: TaskView[] = []
  // Far more than can complete before the calls are answered, on a busy machine too.
  for (let i = 0; i < 24; i += 1) tasks.push(await api.submit(image.id, heavy))
  const source = await sampleImage({ width: 600, height: 400 })
  const responses = await Promise.all(
    Array.from({ length: 60 }, async () => (await post(gateway.url, '?recipe=resize:90', source)).status),
  )
  expect([...new Set(responses)]).toEqual([200])
  const statuses = await Promise.all(tasks.map(async ({ id }) => (await api.task(id)).status))
  expect(statuses).toContain('queued')
}, 60_000)
