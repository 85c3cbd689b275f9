import { afterAll, beforeAll, expect, test } from 'bun:test'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { IdleTaskCursor } from '@pixelflow/core/ports/task-index'
import { createEvent } from '@pixelflow/core/event'
import { createLogger } from '@pixelflow/platform/telemetry/logger'
import { sampleTask } from '@pixelflow/testkit/tasks'
import { openReadModel } from './read-model.ts'

let folder: string
beforeAll(() => void (folder = mkdtempSync(join(tmpdir(), 'pixelflow-idle-'))))
afterAll(() => rmSync(folder, { recursive: true }))

const log = createLogger({ service: 'test', level: 'error', format: 'json' })
const minute = 60_000

test('active tasks are listed page by page, those with the oldest change first', () => {
  const path = join(folder, 'tasks.sqlite')
  const now = Date.now()
  using model = openReadModel({
    path,
    clock: Date,
    retentionMs: 1000 * minute,
    log,
    onRewound: () => {},
  })
  const names = ['old', 'older', 'new', 'done', 'oldest', 'twin'].map((account, n) => {
    const minutes = { old: 5, older: 6, new: 0, done: 9, oldest: 7, twin: 6 }[account] ?? 0
    const task = sampleTask({ account })
    const [kind, status] =
      account === 'done' ? (['failed', 'failed'] as const) : (['started', 'running'] as const)
    const storedAt = new Date(now - minutes * minute)
    return { seq: n + 1, storedAt, event: createEvent(kind, task, { status }, storedAt) }
  })
  model.apply(names)
  const pages: string[][] = []
  let place: IdleTaskCursor | null = null
  do {
    const { items, next } = model.idle(new Date(now - minute), 2, place)
    pages.push(items.map(({ account }) => account))
    place = next
  } while (place !== null)
  expect(pages).toEqual([['oldest', 'older'], ['twin', 'old'], []])
})
