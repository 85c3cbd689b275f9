import { expect, test } from 'bun:test'
import { createEvent, type EventKind, type StoredEvent } from '@pixelflow/core/event'
import { sampleTask } from '@pixelflow/testkit/tasks'
import { createRecentHistories } from './recent-histories.ts'

const stored = (task: ReturnType<typeof sampleTask>, kind: EventKind, seq: number): StoredEvent => ({
  seq,
  storedAt: new Date(),
  event: createEvent(kind, task, {}, new Date()),
})

test('keeps histories from their first event on, each event once', () => {
  const recent = createRecentHistories()
  const task = sampleTask()
  const first = stored(task, 'queued', 5)
  recent.add([first])
  recent.add([first])
  const rest = [{ ...stored(task, 'started', 7), part: 0 }, stored(task, 'completed', 7)]
  recent.add(rest)
  recent.add(rest)
  expect(recent.read(task.account, task.id)).toEqual([first, ...rest])
})

test('has no history without its beginning, of other accounts, or of a deleted task', () => {
  const recent = createRecentHistories()
  const [late, deleted] = [sampleTask(), sampleTask()]
  recent.add([stored(late, 'started', 2)])
  expect(recent.read(late.account, late.id)).toBeUndefined()
  recent.add([stored(deleted, 'queued', 3)])
  expect(recent.read('another', deleted.id)).toBeUndefined()
  recent.add([stored(deleted, 'deleted', 4)])
  expect(recent.read(deleted.account, deleted.id)).toBeUndefined()
  expect(recent.bytes).toBe(0)
})

test('drops the oldest tasks to stay within its bytes', () => {
  const recent = createRecentHistories(20_000)
  const tasks = Array.from({ length: 100 }, () => sampleTask())
  for (const [seq, task] of tasks.entries()) {
    recent.add([stored(task, 'queued', seq + 1)])
    expect(recent.bytes).toBeLessThanOrEqual(20_000)
  }
  const kept = tasks.filter((task) => recent.read(task.account, task.id) !== undefined)
  expect(kept.length).toBeGreaterThan(3)
  expect(kept).toEqual(tasks.slice(-kept.length))
})

test('counts the bytes of results that are in the snapshots', () => {
  const recent = createRecentHistories(20_000)
  for (let seq = 1; seq < 40; seq += 2) {
    const task = sampleTask()
    const output = { name: 'default', format: 'png', mediaType: 'image/png', width: 1, height: 1 } as const
    const location = `inline:${'A'.repeat(4000)}`
    recent.add([stored(task, 'queued', seq)])
    recent.add([
      stored(
        { ...task, outputs: [{ ...output, bytes: 3000, sha256: 'a'.repeat(64), location }] },
        'completed',
        seq + 1,
      ),
    ])
    expect(recent.bytes).toBeLessThanOrEqual(20_000)
    expect(recent.bytes).toBeGreaterThan(4000)
  }
})
