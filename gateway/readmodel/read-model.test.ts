import { Database } from 'bun:sqlite'
import { afterEach, beforeEach, describe, expect, test } from 'bun:test'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createEvent, type EventKind, type StoredEvent } from '@pixelflow/core/event'
import type { TaskPage } from '@pixelflow/core/ports/task-index'
import type { Status, Task } from '@pixelflow/core/task'
import { viewTaskPage, type TaskView } from '@pixelflow/core/views'
import { createLogger } from '@pixelflow/platform/telemetry/logger'
import { waitFor } from '@pixelflow/testkit/wait-for'
import { openReadModel, type ReadModel } from './read-model.ts'

let folder: string
let path: string
let lines: string[]
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'pixelflow-readmodel-'))
  path = join(folder, 'gateway', 'tasks.sqlite')
  lines = []
})
afterEach(() => rmSync(folder, { recursive: true }))

const hour = 3600e3
let rewinds = 0

function open(retentionMs = 24 * hour): ReadModel {
  const log = createLogger({ service: 'test', format: 'json', write: (line) => lines.push(line) })
  return openReadModel({ path, clock: Date, retentionMs, log, onRewound: () => (rewinds += 1) })
}

const idOf = (n: number) => `01900000-0000-7000-8000-${String(n).padStart(12, '0')}`

function stored(
  seq: number,
  n: number,
  more: Partial<Task> = {},
  kind: EventKind = 'queued',
  at = new Date(),
): StoredEvent {
  const task: Task = {
    id: idOf(n),
    account: 'ann',
    status: 'queued',
    progress: 0,
    image: idOf(0),
    recipe: { steps: [] },
    lane: 'interactive',
    outputs: [],
    attempt: 0,
    createdAt: at.toISOString(),
    updatedAt: at.toISOString(),
  }
  return { seq, storedAt: at, event: createEvent(kind, task, more, at) }
}

const viewsOf = (page: TaskPage) => viewTaskPage(page).items
const numbers = (page: TaskPage) => viewsOf(page).map((one) => Number(one.id.slice(-12)))
const list = (model: ReadModel, limit = 50, more: { status?: Status; cursor?: string } = {}) =>
  model.list({ account: 'ann', limit, ...more })

describe('a list', () => {
  test('is newest first; pages stay stable while tasks are added', async () => {
    using model = open()
    model.apply([1, 2, 3, 4, 5].map((n) => stored(n, n)))
    const first = await list(model, 2)
    expect(numbers(first)).toEqual([5, 4])
    model.apply([stored(6, 6)])
    const second = await list(model, 2, { cursor: first.next ?? '' })
    expect(numbers(second)).toEqual([3, 2])
    const third = await list(model, 2, { cursor: second.next ?? '' })
    expect([numbers(third), third.next]).toEqual([[1], null])
    expect((await list(model, 6)).next).toBeNull()
  })

  test('shows the latest snapshot of each task, filtered by status and account', async () => {
    using model = open()
    model.apply([stored(1, 1), stored(2, 2), stored(3, 3, { account: 'bob' })])
    model.apply([stored(4, 1, { status: 'running', progress: 40 }, 'started')])
    expect(viewsOf(await list(model)).map((one) => one.status)).toEqual(['queued', 'running'])
    expect(numbers(await list(model, 50, { status: 'running' }))).toEqual([1])
    expect(numbers(await model.list({ account: 'bob', limit: 5 }))).toEqual([3])
    model.apply([stored(5, 1, {}, 'deleted')])
    expect(numbers(await list(model))).toEqual([2])
  })

  test('omits tasks that have expired from the log', async () => {
    using model = open(hour)
    model.apply([stored(1, 1, {}, 'queued', new Date(Date.now() - 2 * hour)), stored(2, 2)])
    expect(numbers(await list(model))).toEqual([2])
  })

  test.each(['x', '', 'AZAAAAAAcACAAAAAAAAAAQ==', 'AAAAAAAAAAAAAAAAAAAAAA'])(
    'refuses the cursor %p',
    async (cursor) => {
      using model = open()
      await expect(list(model, 5, { cursor })).rejects.toMatchObject({
        code: 'invalid_request',
        hints: { field: 'cursor' },
      })
    },
  )
})

describe('a task', () => {
  const find = (model: ReadModel, n: number, account = 'ann') => {
    const found = model.find(account, idOf(n))
    return found && [found.seq, (JSON.parse(found.json) as TaskView).status]
  }

  test('is found in its newest state, written or not, by its account alone', async () => {
    using model = open()
    model.apply([stored(1, 1), stored(2, 2)])
    expect(find(model, 1)).toEqual([1, 'queued'])
    await list(model)
    expect(find(model, 1)).toEqual([1, 'queued'])
    model.apply([stored(3, 1, { status: 'running' }, 'started')])
    expect(find(model, 1)).toEqual([3, 'running'])
    expect([find(model, 1, 'bob'), find(model, 3)]).toEqual([undefined, undefined])
  })

  test('that was deleted or has expired is not found', async () => {
    using model = open(hour)
    const old = new Date(Date.now() - 2 * hour)
    model.apply([stored(1, 1), stored(2, 2, {}, 'queued', old)])
    await list(model)
    model.apply([stored(3, 1, {}, 'deleted')])
    expect([find(model, 1), find(model, 2)]).toEqual([undefined, undefined])
    await list(model)
    expect(find(model, 1)).toBeUndefined()
  })
})

describe('the counts of an account', () => {
  const countsOf = (model: ReadModel, account = 'ann') => {
    const { queued, interactive } = model.countsOf(account)
    return [queued, interactive]
  }
  const bulk = { lane: 'bulk' } as const

  test('include queued tasks and active interactive tasks once they are written', async () => {
    using model = open()
    model.apply([stored(1, 1), stored(2, 2), stored(3, 3, bulk), stored(4, 4, { account: 'bob' })])
    expect([countsOf(model), model.countedTo]).toEqual([[0, 0], 0])
    await list(model)
    expect([countsOf(model), countsOf(model, 'bob'), model.countedTo]).toEqual([[3, 2], [1, 1], 4])
    const running = { status: 'running' } as const
    model.apply([stored(5, 1, running, 'started'), stored(6, 3, { ...running, ...bulk }, 'started')])
    await list(model)
    expect(countsOf(model)).toEqual([1, 2])
    model.apply([stored(7, 1, running, 'started'), stored(8, 2, {}, 'deleted')])
    model.apply([stored(9, 3, { status: 'completed', ...bulk }, 'completed')])
    await list(model)
    expect(countsOf(model)).toEqual([0, 1])
    model.apply([stored(10, 1, { status: 'failed' }, 'failed'), stored(11, 1, {}, 'deleted')])
    await list(model)
    expect(countsOf(model)).toEqual([0, 0])
  })

  test('soon lose expired tasks, however many', async () => {
    const many = Array.from({ length: 4500 }, (_, n) => stored(n + 1, n + 1))
    {
      using model = open()
      model.apply(many)
    }
    using model = open(1)
    expect(model.countsOf('ann').queued).toBe(many.length)
    let seq = many.length
    await waitFor(
      'expired tasks pruned',
      () => {
        seq += 1
        model.apply([stored(seq, seq)])
        return model.countsOf('ann').queued
      },
      (queued) => queued < 500,
      { timeoutMs: 30_000 },
    )
  }, 60_000)

  test('come from the file after a restart, and are 0 in another log', async () => {
    {
      using model = open()
      model.apply([stored(1, 1), stored(2, 2, bulk), stored(3, 3, { status: 'running' }, 'started')])
    }
    using model = open()
    expect([countsOf(model), model.countedTo]).toEqual([[2, 2], 3])
    model.restart('log-b')
    expect([countsOf(model), model.countedTo]).toEqual([[0, 0], 0])
  })

  test('lose expired tasks', async () => {
    const old = new Date(Date.now() - 2 * hour)
    using model = open(hour)
    model.apply([stored(1, 1, {}, 'queued', old), stored(2, 2)])
    await list(model)
    expect(countsOf(model)).toEqual([1, 1])
  })
})

describe('the file', () => {
  test('equals the log up to its sequence, across a restart', async () => {
    {
      using model = open()
      model.restart('log-a')
      model.apply([stored(7, 1), stored(9, 2)])
    }
    using model = open()
    expect([model.logId, model.sequence]).toEqual(['log-a', 9])
    model.apply([stored(8, 1, { status: 'running' }, 'started')])
    expect(viewsOf(await list(model)).map((one) => one.status)).toEqual(['queued', 'queued'])
  })

  test('is written soon after an event, without a query', async () => {
    using model = open()
    model.apply([stored(1, 1)])
    await waitFor('event written', () => model.countedTo)
    model[Symbol.dispose]()
    using again = open()
    expect(again.sequence).toBe(1)
  })

  test('is cleared for a new log', async () => {
    using model = open()
    model.restart('log-a')
    model.apply([stored(1, 1)])
    model.restart('log-b')
    expect([model.logId, model.sequence, (await list(model)).items]).toEqual(['log-b', 0, []])
  })

  test.each([
    ['not a database', 'this is not a database, '.repeat(200)],
    ['cut short', 'SQLite format 3\0 and then nothing'],
  ])('is moved aside when it is %s', async (_, content) => {
    open()[Symbol.dispose]()
    writeFileSync(path, content)
    using model = open()
    expect([model.logId, model.sequence]).toEqual(['', 0])
    model.apply([stored(1, 1)])
    expect(numbers(await list(model))).toEqual([1])
    expect(await Bun.file(`${path}.damaged`).text()).toBe(content)
    expect(lines.join()).toContain('damaged')
  })

  test.each([
    ['completely is rebuilt when it is opened', 1],
    ['partly is rebuilt when the damage is found, and the follower is rewound', 8],
  ])('scrambled %s', async (_, fromPage) => {
    {
      using model = open()
      model.restart('log-a')
      // Completed, because opening reads all active tasks.
      const ended = { status: 'completed' } as const
      model.apply(Array.from({ length: 400 }, (_, n) => stored(n + 1, n + 1, ended, 'completed')))
    }
    const bytes = await Bun.file(path).bytes()
    writeFileSync(
      path,
      bytes.map((byte, at) => (at < fromPage * 4096 ? byte : byte ^ 0x5a)),
    )
    const before = rewinds
    using model = open()
    if (fromPage > 1) {
      expect(model.sequence).toBe(400)
      await expect(list(model)).rejects.toMatchObject({ code: 'unavailable' })
      expect(rewinds).toBe(before + 1)
    }
    expect([model.logId, model.sequence]).toEqual(['', 0])
    model.apply([stored(1, 1)])
    expect(numbers(await list(model))).toEqual([1])
  })

  test('that another process has locked is left alone', async () => {
    open()[Symbol.dispose]()
    const holder = new Database(path)
    holder.run('PRAGMA locking_mode = EXCLUSIVE')
    holder.run('BEGIN EXCLUSIVE')
    using model = open()
    model.apply([stored(1, 1)])
    expect(numbers(await list(model))).toEqual([1])
    expect(lines.join()).toContain('locked by another process')
    holder.close()
  })
})
