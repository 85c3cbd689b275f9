import { describe, expect, test } from 'bun:test'
import { createEvent } from '@pixelflow/core/event'
import type { Events } from '@pixelflow/core/ports/events'
import type { TaskOutbox } from '@pixelflow/core/ports/task-outbox'
import { appendEvent } from '../append-event.ts'
import { queuedEvent, sampleTask } from '../tasks.ts'

export interface TaskOutboxUnderTest extends AsyncDisposable {
  readonly events: Events
  readonly outbox: TaskOutbox
  /** The same outbox in another process. */
  readonly elsewhere: TaskOutbox
}

/** Registers the tests that every adapter of `TaskOutbox` must pass. `afterMs` is the delay of the adapter, some 100 ms. */
export function taskOutboxContract(
  name: string,
  afterMs: number,
  open: () => Promise<TaskOutboxUnderTest>,
): void {
  describe(`${name}: task outbox contract`, () => {
    test('an entry is delivered once it is old enough, and only new tasks have entries', async () => {
      await using fixture = await open()
      const task = sampleTask()
      const begin = performance.now()
      const seq = await appendEvent(fixture.events, queuedEvent(task), 0)
      await appendEvent(fixture.events, createEvent('started', task, {}, new Date()), seq)
      expect(await settleEntries([fixture.outbox], 1)).toEqual([task.id])
      expect(performance.now() - begin).toBeGreaterThan(afterMs - 5)
      expect(await settleEntries([fixture.outbox], 1, afterMs + 300)).toEqual([])
    })

    test('processes share the entries, and each goes to one of them', async () => {
      await using fixture = await open()
      const tasks = Array.from({ length: 60 }, () => sampleTask())
      await Promise.all(tasks.map((task) => appendEvent(fixture.events, queuedEvent(task), 0)))
      const found = await settleEntries([fixture.outbox, fixture.elsewhere], 60)
      expect(found.toSorted()).toEqual(tasks.map(({ id }) => id).toSorted())
      expect(await settleEntries([fixture.outbox, fixture.elsewhere], 1, afterMs + 300)).toEqual([])
    }, 20_000)

    test('entries that a leaving reader has not seen go to the next reader', async () => {
      await using fixture = await open()
      const tasks = Array.from({ length: 10 }, () => sampleTask())
      await Promise.all(tasks.map((task) => appendEvent(fixture.events, queuedEvent(task), 0)))
      // The entries are due by then.
      await Bun.sleep(afterMs)
      const first = await settleEntries([fixture.outbox], 3)
      const rest = await settleEntries([fixture.elsewhere], 7)
      expect([...first, ...rest].toSorted()).toEqual(tasks.map(({ id }) => id).toSorted())
    })
  })
}

/** Settles entries of these outboxes until there are `most` or the time is over; returns their tasks. */
async function settleEntries(outboxes: TaskOutbox[], most: number, withinMs = 5000): Promise<string[]> {
  const found: string[] = []
  const over = new AbortController()
  const timer = setTimeout(() => over.abort(), withinMs)
  const read = async (outbox: TaskOutbox) => {
    for await (const entry of outbox.entries(over.signal)) {
      found.push(entry.task)
      await entry.settle()
      if (found.length >= most) over.abort()
      if (over.signal.aborted) return
    }
  }
  await Promise.all(outboxes.map(read))
  clearTimeout(timer)
  return found
}
