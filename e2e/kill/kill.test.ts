import { afterEach, beforeEach, describe, expect, test } from 'bun:test'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { sampleImage } from '@pixelflow/testkit/images'
import { startStack, type Stack } from '@pixelflow/testkit/stack'
import { client, followToEnd, type ReceivedEvent } from '../client.ts'

/** Processes are killed during a task: the task completes, and its watchers receive every event. */

/** Takes a second or more: a large blur, then a slow encoder. */
const heavy = 'blur:40/resize:1500/format:webp:effort=6'

let stack: Stack
beforeEach(async () => {
  stack = await startStack({ hasSharedCache: true })
}, 60_000)
afterEach(() => stack?.[Symbol.asyncDispose](), 30_000)

/** Every event once, from `queued` to exactly one `completed`. */
function expectCompleteHistory(seen: readonly ReceivedEvent[]): void {
  const tokens = seen.map((s) => s.token)
  expect(new Set(tokens).size).toBe(tokens.length)
  const ends = seen.filter((s) => ['completed', 'failed', 'cancelled'].includes(s.view.kind))
  expect(ends.map((s) => s.view.kind)).toEqual(['completed'])
  expect(seen[0]?.view.kind).toBe('queued')
}

async function waitForEvent(api: ReturnType<typeof client>, id: string, kind: string): Promise<void> {
  for await (const one of api.events(id)) if (one.view.kind === kind) return
  throw new Error(`task ${id} ended before ${kind}`)
}

describe('kill -9 during a task', () => {
  test('of the actor: another actor completes the task, once', async () => {
    const gateway = await stack.gateway()
    const api = client(gateway.url)
    const first = await stack.actor()
    const image = await api.upload(await sampleImage({ width: 3000, height: 2000 }))
    const { id } = await api.submit(image.id, heavy)
    const watching = followToEnd(() => api, id, { timeoutMs: 90_000 })
    await waitForEvent(api, id, 'started')
    first.signal('SIGKILL')
    await first.exited
    await stack.actor()
    const seen = await watching
    expectCompleteHistory(seen)
    expect(seen.at(-1)?.view.task.attempt).toBeGreaterThan(1)
    expect((await api.output(id)).length).toBeGreaterThan(1000)
  }, 120_000)

  test('of the gateway: watchers resume at the next gateway and receive every event once', async () => {
    const gateway = await stack.gateway()
    await stack.actor()
    const image = await client(gateway.url).upload(await sampleImage({ width: 3000, height: 2000 }))
    const { id } = await client(gateway.url).submit(image.id, heavy)
    let url = gateway.url
    const watchers = Array.from({ length: 5 }, () =>
      followToEnd(() => client(url), id, { timeoutMs: 90_000 }),
    )
    await waitForEvent(client(gateway.url), id, 'started')
    gateway.signal('SIGKILL')
    await gateway.exited
    url = (await stack.gateway({ dataDir: gateway.dataDir })).url
    const all = await Promise.all(watchers)
    for (const seen of all) {
      expectCompleteHistory(seen)
      expect(seen.map((s) => s.token)).toEqual(all[0]?.map((s) => s.token) ?? [])
    }
    expect((await client(url).list()).items.map((t) => t.status)).toEqual(['completed'])
  }, 120_000)

  test('of the broker: accepted tasks complete after its restart', async () => {
    const gateway = await stack.gateway()
    await stack.actor()
    const api = client(gateway.url)
    const image = await api.upload(await sampleImage({ width: 3000, height: 2000 }))
    const ids: string[] = []
    for (let n = 0; n < 4; n += 1) ids.push((await api.submit(image.id, heavy)).id)
    const watching = Promise.all(ids.map((id) => followToEnd(() => api, id, { timeoutMs: 90_000 })))
    await waitForEvent(api, ids[0] ?? '', 'started')
    await stack.nats.kill9()
    // Long enough for the other processes to lose their connections.
    await Bun.sleep(500)
    await stack.nats.restart()
    for (const seen of await watching) expectCompleteHistory(seen)
  }, 150_000)
})

describe('the read model', () => {
  test('is rebuilt when its file was deleted', async () => {
    const gateway = await stack.gateway()
    await stack.actor()
    const api = client(gateway.url)
    const image = await api.upload(await sampleImage())
    for (let n = 0; n < 12; n += 1) {
      const { id } = await api.submit(image.id, `resize:${20 + n}`)
      await followToEnd(() => api, id)
    }
    const before = await api.list('?limit=50')
    await gateway[Symbol.asyncDispose]()
    await rm(join(gateway.dataDir, 'gateway'), { recursive: true, force: true })
    const successor = await stack.gateway({ dataDir: gateway.dataDir })
    expect(await client(successor.url).list('?limit=50')).toEqual(before)
  }, 60_000)
})

describe('two gateways', () => {
  test('a watcher that changes the gateway at every event misses nothing', async () => {
    const gateways = [await stack.gateway(), await stack.gateway()]
    await stack.actor()
    const clients = gateways.map((g) => client(g.url))
    const api = clients[0] as ReturnType<typeof client>
    const image = await api.upload(await sampleImage({ width: 2000, height: 1500 }))
    const { id } = await api.submit(image.id, 'resize:1000/sharpen')
    const steady = followToEnd(() => api, id)
    const seen: ReceivedEvent[] = []
    for (let turn = 0; turn < 100 && seen.at(-1)?.view.kind !== 'completed'; turn += 1) {
      for await (const one of (clients[turn % 2] as typeof api).events(id, seen.at(-1)?.token)) {
        seen.push(one)
        break
      }
    }
    expect(seen.map((s) => s.token)).toEqual((await steady).map((s) => s.token))
    expectCompleteHistory(seen)
  }, 60_000)
})
