import { Database } from 'bun:sqlite'
import { expect, test } from 'bun:test'
import { cp, mkdtemp, open, rename, rm, stat, truncate } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TaskPageView } from '@pixelflow/core/api'
import { eventOf } from '@pixelflow/core/event'
import { sampleImage } from '@pixelflow/testkit/images'
import { launch, says } from '@pixelflow/testkit/process'
import { queuedEvent } from '@pixelflow/testkit/tasks'
import { openTestGateway, until, type TestGateway } from '../testing/test-gateway.ts'

/** Whatever becomes of the file behind the task list, the list is that of the log. */

const file = (dataDir: string) => join(dataDir, 'gateway', 'tasks.sqlite')
const said = ({ logs }: TestGateway, msg: string) => logs.filter((one) => one['msg'] === msg)
const folding = 'folding the event log from its beginning'

/** Ids and statuses of all tasks, newest first. */
async function whole(url: string): Promise<string[]> {
  const all: string[] = []
  for (let cursor: string | null = ''; cursor !== null;) {
    const answer = await fetch(new URL(`/api/v1/tasks?limit=200${cursor && `&cursor=${cursor}`}`, url))
    if (answer.status === 503) {
      // The list is being made anew.
      await Bun.sleep(50)
      return whole(url)
    }
    const { items, next } = (await answer.json()) as TaskPageView
    all.push(...items.map(({ id, status }) => `${id} ${status}`))
    cursor = next
  }
  return all
}

/** Tasks as the log has them, some of them begun. */
async function append({ adapters }: TestGateway, count: number): Promise<void> {
  const one = async (n: number) => {
    const event = queuedEvent()
    const seq = await adapters.events.append(event, 0)
    if (n % 3 > 0) return
    await adapters.events.append(
      eventOf('started', event.task, { status: 'running', attempt: 1 }, new Date()),
      seq,
    )
  }
  for (let n = 0; n < count; n += 50) {
    await Promise.all(Array.from({ length: Math.min(50, count - n) }, (_, i) => one(n + i)))
  }
}

test('a file that is deleted while it is used is used on, and made anew at the next start', async () => {
  await using gateway = await openTestGateway()
  const { id: image } = await gateway.image(await sampleImage({ width: 20, height: 20 }))
  await gateway.submit(image)
  expect(await whole(gateway.url)).toHaveLength(1)
  await rm(file(gateway.dataDir))
  const { id } = await gateway.submit(image)
  expect((await whole(gateway.url))[0]).toBe(`${id} queued`)
  await append(gateway, 300)
  const before = await whole(gateway.url)
  expect(before).toHaveLength(302)
  await gateway.restart()
  expect(await whole(gateway.url)).toEqual(before)
  expect((await stat(file(gateway.dataDir))).size).toBeGreaterThan(0)
}, 60_000)

/** What may happen to a file of many pages. */
const damages: Record<string, (path: string, size: number) => Promise<void>> = {
  'cut in half': (path, size) => truncate(path, size >> 1),
  'cut to nothing': (path) => truncate(path, 0),
  'with a hole in it': (path, size) => overwrite(path, 8192, Buffer.alloc(size - 12_288)),
  'with another head': (path) => overwrite(path, 0, Buffer.from('SQLite format 4')),
  'with rows gone bad': (path, size) => spoil(path, size),
}

test.each(Object.entries(damages))(
  'a file %s is made anew',
  async (_, damage) => {
    await using gateway = await openTestGateway()
    await append(gateway, 300)
    await until(async () => (await whole(gateway.url)).length === 300, 30_000)
    const before = await whole(gateway.url)
    await gateway.restart(async () => {
      const path = file(gateway.dataDir)
      await damage(path, (await stat(path)).size)
    })
    await until(async () => (await whole(gateway.url)).length === 300, 30_000)
    expect(await whole(gateway.url)).toEqual(before)
    expect(said(gateway, folding)).toHaveLength(2)
  },
  60_000,
)

test('a file of another version is made anew', async () => {
  await using gateway = await openTestGateway()
  await append(gateway, 20)
  await until(async () => (await whole(gateway.url)).length === 20, 30_000)
  const before = await whole(gateway.url)
  await gateway.restart(async () => {
    using db = new Database(file(gateway.dataDir))
    db.run('ALTER TABLE tasks RENAME TO jobs')
    db.run('DROP TABLE checkpoint')
    db.run('CREATE VIEW tasks AS SELECT id FROM jobs')
    db.run('PRAGMA user_version = 1')
    await Promise.resolve()
  })
  expect(await whole(gateway.url)).toEqual(before)
  expect(said(gateway, 'task list is of another version and will be made anew')).toMatchObject([{ found: 1 }])
}, 30_000)

test.each([
  ['ends before', 0, 'the log ends before'],
  ['has gone on otherwise', 30, 'another event stands there'],
])(
  'a list that is ahead of a log which was set back, and %s, is folded again',
  async (_, more, why) => {
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
    await until(async () => (await whole(gateway.url)).length === 30, 30_000)
    const lost = await whole(gateway.url)
    await gateway.restart(async () => {
      await nats.kill9()
      await rm(nats.store, { recursive: true })
      await rename(copy, nats.store)
      await nats.restart()
      await append(gateway, more)
    })
    const now = await whole(gateway.url)
    expect(now).toHaveLength(20 + more)
    expect(now.filter((one) => lost.includes(one))).toHaveLength(20)
    expect(said(gateway, folding).at(-1)).toMatchObject({ why })
  },
  60_000,
)

test('a log that is set back under a running gateway is folded again', async () => {
  await using gateway = await openTestGateway()
  const { nats } = gateway
  const copy = `${nats.store}-copy`
  await append(gateway, 20)
  await nats.kill9()
  await cp(nats.store, copy, { recursive: true })
  await nats.restart()
  await append(gateway, 10)
  await until(async () => (await whole(gateway.url)).length === 30, 30_000)
  await nats.kill9()
  await rm(nats.store, { recursive: true })
  await rename(copy, nats.store)
  await nats.restart()
  await until(async () => (await whole(gateway.url)).length === 20, 30_000)
  await append(gateway, 3)
  await until(async () => (await whole(gateway.url)).length === 23, 30_000)
}, 60_000)

test('a gateway that is killed in the middle of folding goes on where it was', async () => {
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
  // The first of them is killed before anything was written, the last ones somewhere in between.
  for (const afterMs of [0, 30, 30, 60, 60, 120]) {
    await using victim = start()
    await Promise.race([victim.line(says(folding)), victim.line(says('caught up with the event log'))])
    await Bun.sleep(afterMs)
    victim.signal('SIGKILL')
    await victim.exited
  }
  await using survivor = start()
  const { url } = JSON.parse(await survivor.line(says('ready'))) as { url: string }
  const expected = await whole(gateway.url)
  expect(expected).toHaveLength(3000)
  expect(await whole(url)).toEqual(expected)
  await rm(dataDir, { recursive: true })
}, 120_000)

async function overwrite(path: string, at: number, bytes: Uint8Array): Promise<void> {
  await using handle = await open(path, 'r+')
  await handle.write(bytes, 0, bytes.length, at)
}

/** Leaves SQLite's own structure alone. */
async function spoil(path: string, size: number): Promise<void> {
  const whole = Buffer.alloc(size)
  await using handle = await open(path, 'r+')
  await handle.read(whole, 0, size, 0)
  for (let at = whole.indexOf('{"id"'); at >= 0; at = whole.indexOf('{"id"', at + 1)) {
    await handle.write(Buffer.from('?'), 0, 1, at)
  }
}
