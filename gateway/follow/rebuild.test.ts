import { Database } from 'bun:sqlite'
import { expect, test } from 'bun:test'
import { cp, mkdtemp, open, rename, rm, stat, truncate } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TaskPageView } from '@pixelflow/core/views'
import { createEvent } from '@pixelflow/core/event'
import { appendEvent } from '@pixelflow/testkit/append-event'
import { sampleImage } from '@pixelflow/testkit/images'
import { launch, hasMessage } from '@pixelflow/testkit/process'
import { queuedEvent } from '@pixelflow/testkit/tasks'
import { waitFor } from '@pixelflow/testkit/wait-for'
import { openTestGateway, type TestGateway } from '../testing/test-gateway.ts'

/** Whatever happens to its file, the task list equals the event log. */

const file = (dataDir: string) => join(dataDir, 'gateway', 'tasks.sqlite')
const logged = ({ logs }: TestGateway, msg: string) => logs.filter((one) => one['msg'] === msg)
const rebuildStarted = 'task list rebuild started'

/** Ids and statuses of all tasks, newest first. Waits while the list is being rebuilt. */
async function listAll(url: string): Promise<string[]> {
  const all = await waitFor('task list available', () => tryListAll(url), Boolean, { timeoutMs: 30_000 })
  return all ?? []
}

/** Undefined while the list is being rebuilt. */
async function tryListAll(url: string): Promise<string[] | undefined> {
  const all: string[] = []
  for (let cursor: string | null = ''; cursor !== null;) {
    const answer = await fetch(new URL(`/api/v1/tasks?limit=200${cursor && `&cursor=${cursor}`}`, url))
    if (answer.status === 503) return undefined
    const { items, next } = (await answer.json()) as TaskPageView
    all.push(...items.map(({ id, status }) => `${id} ${status}`))
    cursor = next
  }
  return all
}

async function waitForTasks({ url }: TestGateway, count: number): Promise<void> {
  await waitFor(
    `${count} tasks in the list`,
    async () => (await listAll(url)).length,
    (length) => length === count,
    { timeoutMs: 30_000 },
  )
}

/** Appends tasks to the log; a third of them is running. */
async function append({ adapters }: TestGateway, count: number): Promise<void> {
  const one = async (n: number) => {
    const event = queuedEvent()
    const seq = await appendEvent(adapters.events, event, 0)
    if (n % 3 > 0) return
    await appendEvent(
      adapters.events,
      createEvent('started', event.task, { status: 'running', attempt: 1 }, new Date()),
      seq,
    )
  }
  for (let n = 0; n < count; n += 50) {
    await Promise.all(Array.from({ length: Math.min(50, count - n) }, (_, i) => one(n + i)))
  }
}

test('a file that is deleted while in use stays in use, and is rebuilt at the next start', async () => {
  await using gateway = await openTestGateway()
  const { id: image } = await gateway.image(await sampleImage({ width: 20, height: 20 }))
  await gateway.submit(image)
  expect(await listAll(gateway.url)).toHaveLength(1)
  await rm(file(gateway.dataDir))
  const { id } = await gateway.submit(image)
  expect((await listAll(gateway.url))[0]).toBe(`${id} queued`)
  await append(gateway, 300)
  const before = await listAll(gateway.url)
  expect(before).toHaveLength(302)
  await gateway.restart()
  expect(await listAll(gateway.url)).toEqual(before)
  expect((await stat(file(gateway.dataDir))).size).toBeGreaterThan(0)
}, 60_000)

/** Damages of a file with many pages. */
const damages: Record<string, (path: string, size: number) => Promise<void>> = {
  'cut in half': (path, size) => truncate(path, size >> 1),
  'cut to nothing': (path) => truncate(path, 0),
  'with a hole in it': (path, size) => overwrite(path, 8192, Buffer.alloc(size - 12_288)),
  'with another header': (path) => overwrite(path, 0, Buffer.from('SQLite format 4')),
  'with invalid rows': (path, size) => corruptRows(path, size),
}

test.each(Object.entries(damages))(
  'a file %s is rebuilt',
  async (_, damage) => {
    await using gateway = await openTestGateway()
    await append(gateway, 300)
    await waitForTasks(gateway, 300)
    const before = await listAll(gateway.url)
    await gateway.restart(async () => {
      const path = file(gateway.dataDir)
      await damage(path, (await stat(path)).size)
    })
    await waitForTasks(gateway, 300)
    expect(await listAll(gateway.url)).toEqual(before)
    expect(logged(gateway, rebuildStarted)).toHaveLength(2)
  },
  60_000,
)

test('a file of another version is rebuilt', async () => {
  await using gateway = await openTestGateway()
  await append(gateway, 20)
  await waitForTasks(gateway, 20)
  const before = await listAll(gateway.url)
  await gateway.restart(async () => {
    using db = new Database(file(gateway.dataDir))
    db.run('ALTER TABLE tasks RENAME TO jobs')
    db.run('DROP TABLE checkpoint')
    db.run('CREATE VIEW tasks AS SELECT id FROM jobs')
    db.run('PRAGMA user_version = 1')
    await Promise.resolve()
  })
  expect(await listAll(gateway.url)).toEqual(before)
  expect(logged(gateway, 'task list has another version; rebuilding it')).toMatchObject([{ found: 1 }])
}, 30_000)

test.each([
  ['ends before', 0, 'log ends before the checkpoint'],
  ['has continued differently', 30, 'different event at the checkpoint'],
])(
  'a list ahead of a log that was restored from a backup and %s is rebuilt',
  async (_, more, reason) => {
    await using gateway = await openTestGateway()
    const { nats } = gateway
    const copy = `${nats.store}-copy`
    await append(gateway, 20)
    await gateway.restart(async () => {
      await nats.kill9()
      await cp(nats.store, copy, { recursive: true })
      await nats.restart()
    })
    await append(gateway, 10)
    await waitForTasks(gateway, 30)
    const lost = await listAll(gateway.url)
    await gateway.restart(async () => {
      await nats.kill9()
      await rm(nats.store, { recursive: true })
      await rename(copy, nats.store)
      await nats.restart()
      await append(gateway, more)
    })
    const now = await listAll(gateway.url)
    expect(now).toHaveLength(20 + more)
    expect(now.filter((one) => lost.includes(one))).toHaveLength(20)
    expect(logged(gateway, rebuildStarted).at(-1)).toMatchObject({ reason })
  },
  60_000,
)

test('a log that is restored from a backup while the gateway runs is read again', async () => {
  await using gateway = await openTestGateway()
  const { nats } = gateway
  const copy = `${nats.store}-copy`
  await append(gateway, 20)
  await nats.kill9()
  await cp(nats.store, copy, { recursive: true })
  await nats.restart()
  await append(gateway, 10)
  await waitForTasks(gateway, 30)
  await nats.kill9()
  await rm(nats.store, { recursive: true })
  await rename(copy, nats.store)
  await nats.restart()
  await waitForTasks(gateway, 20)
  await append(gateway, 3)
  await waitForTasks(gateway, 23)
}, 60_000)

test('a gateway that is killed during the rebuild continues at its checkpoint', async () => {
  await using gateway = await openTestGateway()
  await append(gateway, 3000)
  const dataDir = await mkdtemp(join(tmpdir(), 'pixelflow-gateway-'))
  const start = () =>
    launch({
      command: [process.execPath, join(import.meta.dir, '../main.ts')],
      env: {
        ...gateway.nats.env,
        PIXELFLOW_HTTP_PORT: '0',
        PIXELFLOW_GRPC_PORT: '0',
        PIXELFLOW_DATA_DIR: dataDir,
        PIXELFLOW_LOG_FORMAT: 'json',
      },
    })
  // The first one is killed before anything was written, the last ones in the middle.
  for (const afterMs of [0, 30, 30, 60, 60, 120]) {
    await using victim = start()
    await Promise.race([
      victim.line(hasMessage(rebuildStarted)),
      victim.line(hasMessage('task list caught up')),
    ])
    await Bun.sleep(afterMs)
    victim.signal('SIGKILL')
    await victim.exited
  }
  await using survivor = start()
  const { url } = JSON.parse(await survivor.line(hasMessage('ready'))) as { url: string }
  const expected = await listAll(gateway.url)
  expect(expected).toHaveLength(3000)
  expect(await listAll(url)).toEqual(expected)
  await rm(dataDir, { recursive: true })
}, 120_000)

async function overwrite(path: string, at: number, bytes: Uint8Array): Promise<void> {
  await using handle = await open(path, 'r+')
  await handle.write(bytes, 0, bytes.length, at)
}

/** Changes rows only, not the structure of the database. */
async function corruptRows(path: string, size: number): Promise<void> {
  const whole = Buffer.alloc(size)
  await using handle = await open(path, 'r+')
  await handle.read(whole, 0, size, 0)
  for (let at = whole.indexOf('{"id"'); at >= 0; at = whole.indexOf('{"id"', at + 1)) {
    await handle.write(Buffer.from('?'), 0, 1, at)
  }
}
