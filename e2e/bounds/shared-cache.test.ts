import { afterAll, beforeAll, expect, test } from 'bun:test'
import { mkdtemp, readdir, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { connect } from '@pixelflow/nats/connection/connect'
import { natsSettings } from '@pixelflow/nats/nats-settings'
import { readSettings } from '@pixelflow/platform/config/read-settings'
import { createLogger } from '@pixelflow/platform/telemetry/logger'
import { sampleImage } from '@pixelflow/testkit/images'
import { startStack, type GatewayProcess, type Stack } from '@pixelflow/testkit/stack'
import { client, followToEnd } from '../client.ts'

/** Processes of one machine pass bytes to each other through the shared cache; the store keeps them as before. */

const limit = 8 * 1024 * 1024
let folder: string
let stack: Stack
let gateway: GatewayProcess

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'pixelflow-shared-'))
  const env = { PIXELFLOW_SHARED_CACHE_DIR: folder, PIXELFLOW_SHARED_CACHE_BYTES: String(limit) }
  stack = await startStack({ env })
  gateway = await stack.gateway()
  await stack.actor()
}, 60_000)
afterAll(async () => {
  await stack?.[Symbol.asyncDispose]()
  expect(await readdir(folder)).toEqual([])
  await rm(folder, { recursive: true })
}, 30_000)

async function cachedFiles() {
  const names = await readdir(folder, { recursive: true })
  const found = await Promise.all(names.map((name) => stat(join(folder, name)).catch(() => undefined)))
  return found.filter((one) => one?.isFile()).map((one) => one?.size ?? 0)
}

/** Removes all bytes from the store, so that only the cache still has them. */
async function purgeBytes(bucket: 'sources' | 'results') {
  const log = createLogger({ service: 'test', level: 'error', format: 'json' })
  await using broker = await connect({
    settings: readSettings(natsSettings, stack.nats.env),
    name: 'test',
    log,
  })
  const filter = JSON.stringify({ filter: `$O.${bucket}.C.>` })
  await broker.request(`$JS.API.STREAM.PURGE.OBJ_${bucket}`, filter)
}

test('an actor and a gateway use what the other has just stored, until it is deleted', async () => {
  const api = client(gateway.url)
  const photo = await sampleImage({ width: 1200, height: 900, quality: 90, noise: 60 })
  expect(photo.length).toBeGreaterThan(100_000)
  const { id } = await api.upload(photo)
  expect(await cachedFiles()).toEqual([photo.length])
  await purgeBytes('sources')
  const again = await (await api.call(`/api/v1/images/${id}/content`)).arrayBuffer()
  expect(Buffer.compare(new Uint8Array(again), photo)).toBe(0)

  const task = await api.submit(id, 'resize:1000/format:png')
  await followToEnd(() => api, task.id)
  expect((await api.task(task.id)).status).toBe('completed')
  await purgeBytes('results')
  expect((await api.output(task.id)).length).toBeGreaterThan(48 * 1024)

  expect((await api.call(`/api/v1/images/${id}`, { method: 'DELETE' })).status).toBe(204)
  expect(await cachedFiles()).not.toContain(photo.length)
  expect((await api.call(`/api/v1/tasks/${task.id}`, { method: 'DELETE' })).status).toBe(204)
  expect(await cachedFiles()).toEqual([])
}, 60_000)

test('the bytes of many uploads stay within the limit, and all tasks complete', async () => {
  const api = client(gateway.url)
  const photos = await Promise.all(
    Array.from({ length: 24 }, (_, seed) =>
      sampleImage({ width: 1200 + seed, height: 900, quality: 90, noise: 60 }),
    ),
  )
  const peaks: number[] = []
  await Promise.all(
    photos.map(async (photo) => {
      const { id } = await api.upload(photo)
      peaks.push((await cachedFiles()).reduce((sum, bytes) => sum + bytes, 0))
      const task = await api.submit(id, 'resize:1000/format:png')
      await followToEnd(() => api, task.id)
      expect((await api.task(task.id)).status).toBe('completed')
    }),
  )
  // The gateway and the actor each have this limit.
  expect(Math.max(...peaks)).toBeLessThanOrEqual(2 * limit)
  expect(Math.max(...peaks)).toBeGreaterThan(limit / 4)
}, 120_000)
