import { describe, expect, test } from 'bun:test'
import { createEvent, type EventKind, type StoredEvent, type TaskEvent } from '@pixelflow/core/event'
import type { EventLog, Events } from '@pixelflow/core/ports/events'
import { appendEvent } from '../append-event.ts'
import { queuedEvent, sampleTask } from '../tasks.ts'
import { stays, waitFor } from '../wait-for.ts'

export interface EventsUnderTest extends AsyncDisposable {
  readonly events: Events
  /** The same log in another process. */
  readonly elsewhere: Events
  readonly eventLog: EventLog
}

/** Registers the tests that every pair of `Events` and `EventLog` must pass. */
export function eventsContract(name: string, open: () => Promise<EventsUnderTest>): void {
  describe(`${name}: events contract`, () => {
    test('a history starts empty, and is read as it was written', async () => {
      await using fixture = await open()
      const { events } = fixture
      const task = sampleTask()
      expect(await events.last('local', task.id)).toBeNull()
      expect(await readAll(events.history('local', task.id, 0))).toEqual([])
      const written = await appendEvents(events, task, ['queued', 'started', 'fetched', 'completed'])
      expect(await events.last('local', task.id)).toEqual(written.at(-1) ?? null)
      expect(await readAll(events.history('local', task.id, 0))).toEqual(written)
      expect(await readAll(events.history('local', task.id, written[1]?.seq ?? 0))).toEqual(written.slice(2))
    })

    test('events that are appended together are separate events of one entry', async () => {
      await using fixture = await open()
      const first = queuedEvent()
      const seq = await appendEvent(fixture.events, first, 0)
      const leave = new AbortController()
      const seen: StoredEvent[] = []
      const following = follow(fixture.eventLog, 0, leave.signal, seen)
      const started = createEvent('started', first.task, { status: 'running', attempt: 1 }, new Date(1000))
      const fetched = createEvent('fetched', started.task, { progress: 30 }, new Date(2000))
      const output = createEvent('output', fetched.task, { progress: 60 }, new Date(3000), 'default')
      const entry = await fixture.events.append(output, seq, [started, fetched])
      expect(await fixture.elsewhere.append(output, seq, [started, fetched])).toBeNull()
      expect(await fixture.events.append(output, seq, [started, fetched])).toBe(entry)
      const expected = [
        { seq, event: first },
        { seq: entry ?? 0, part: 0, event: started },
        { seq: entry ?? 0, part: 1, event: fetched },
        { seq: entry ?? 0, event: output },
      ].map((one) => ({ ...one, storedAt: expect.any(Date) as Date }))
      const { account, id } = first.task
      expect(await readAll(fixture.events.history(account, id, 0))).toEqual(expected)
      expect(await readAll(fixture.events.history(account, id, seq))).toEqual(expected.slice(1))
      expect(await fixture.events.last(account, id)).toEqual(expected.at(-1) ?? null)
      expect(await fixture.eventLog.at(entry ?? 0)).toEqual(expected.at(-1) ?? null)
      await waitForCount(seen, 4)
      expect(seen).toEqual(expected)
      leave.abort()
      await following
    })

    test('an append with a wrong expected sequence is a conflict', async () => {
      await using fixture = await open()
      const task = sampleTask()
      const first = await appendEvent(fixture.events, queuedEvent(task), 0)
      const started = createEvent('started', task, { status: 'running' }, new Date())
      for (const after of [0, first - 1, first + 1]) {
        expect(await fixture.elsewhere.append(started, after)).toBeNull()
      }
      const second = await appendEvent(fixture.elsewhere, started, first)
      expect(second).toBeGreaterThan(first)
      expect(await readAll(fixture.events.history('local', task.id, 0))).toHaveLength(2)
    })

    test('repeating an append returns the sequence of the first one', async () => {
      await using fixture = await open()
      const task = sampleTask()
      const event = queuedEvent(task)
      const seq = await appendEvent(fixture.events, event, 0)
      expect(await appendEvent(fixture.events, event, 0)).toBe(seq)
      await appendEvent(fixture.events, createEvent('started', task, { status: 'running' }, new Date()), seq)
      expect(await appendEvent(fixture.events, event, 0)).toBe(seq)
      expect(await fixture.elsewhere.append(event, 0)).toBeNull()
      expect(await readAll(fixture.events.history('local', task.id, 0))).toHaveLength(2)
    })

    test('of concurrent appends exactly one succeeds', async () => {
      await using fixture = await open()
      const task = sampleTask()
      const first = await appendEvent(fixture.events, queuedEvent(task), 0)
      const racing = Array.from({ length: 12 }, (_, i) => {
        const events = i % 2 === 0 ? fixture.events : fixture.elsewhere
        return events.append(createEvent('started', task, { actor: `actor-${i}` }, new Date()), first)
      })
      const seqs = await Promise.all(racing)
      expect(seqs.filter((seq) => seq !== null)).toHaveLength(1)
      const last = await fixture.events.last('local', task.id)
      expect(last?.event.task.actor).toBe(`actor-${seqs.findIndex((seq) => seq !== null)}`)
    })

    test('a deletion replaces the history before it', async () => {
      await using fixture = await open()
      const task = sampleTask()
      const [other] = await appendEvents(fixture.events, sampleTask(), ['queued'])
      const written = await appendEvents(fixture.events, task, ['queued', 'started', 'completed'])
      const deleted = createEvent('deleted', task, {}, new Date())
      expect(await fixture.events.append(deleted, 1)).toBeNull()
      expect(await readAll(fixture.events.history('local', task.id, 0))).toHaveLength(3)
      const seq = await appendEvent(fixture.events, deleted, written.at(-1)?.seq ?? 0)
      expect(await readAll(fixture.events.history('local', task.id, 0))).toEqual([
        { seq, storedAt: expect.any(Date), event: deleted },
      ])
      expect(await fixture.events.last('local', other?.event.task.id ?? '')).toEqual(other ?? null)
    })

    test('accounts are isolated', async () => {
      await using fixture = await open()
      const task = sampleTask({ account: 'anna' })
      await appendEvent(fixture.events, queuedEvent(task), 0)
      expect(await fixture.events.last('otto', task.id)).toBeNull()
      expect(await readAll(fixture.events.history('otto', task.id, 0))).toEqual([])
    })

    test('a long history is complete', async () => {
      await using fixture = await open()
      const task = sampleTask()
      const kinds = Array.from({ length: 300 }, (): EventKind => 'output')
      const written = await appendEvents(fixture.events, task, kinds)
      const read = await readAll(fixture.events.history('local', task.id, 0))
      expect(read.map(({ seq }) => seq)).toEqual(written.map(({ seq }) => seq))
    })

    test('the follower gets stored and new events, each once and in order', async () => {
      await using fixture = await open()
      const tasks = Array.from({ length: 40 }, () => sampleTask())
      const half = await Promise.all(
        tasks.slice(0, 20).map((task) => appendEvents(fixture.events, task, ['queued', 'started'])),
      )
      const leave = new AbortController()
      const seen: StoredEvent[] = []
      const following = follow(fixture.eventLog, 0, leave.signal, seen)
      const rest = tasks
        .slice(20)
        .map((task) => appendEvents(fixture.elsewhere, task, ['queued', 'started', 'completed']))
      const written = [...half, ...(await Promise.all(rest))].flat().toSorted((a, b) => a.seq - b.seq)
      await waitForCount(seen, written.length)
      await stays('each event arrives once', () => seen.length === written.length, 100)
      leave.abort()
      await following
      expect(seen).toEqual(written)
    })

    test('the follower starts after the given sequence, and gets new events at once', async () => {
      await using fixture = await open()
      const task = sampleTask()
      const [first, second] = await appendEvents(fixture.events, task, ['queued', 'started'])
      const leave = new AbortController()
      const seen: StoredEvent[] = []
      const following = follow(fixture.eventLog, first?.seq ?? 0, leave.signal, seen)
      await waitForCount(seen, 1)
      expect(seen[0]).toEqual(second as StoredEvent)
      // The follower waits for new events by then.
      await Bun.sleep(100)
      const begin = performance.now()
      await appendEvent(fixture.events, createEvent('completed', task, {}, new Date()), second?.seq ?? 0)
      await waitForCount(seen, 2)
      expect(performance.now() - begin).toBeLessThan(400)
      leave.abort()
      await following
    })

    test('a slow follower misses no event', async () => {
      await using fixture = await open()
      const leave = new AbortController()
      const seen: number[] = []
      const followSlowly = async () => {
        for await (const events of fixture.eventLog.follow(0, leave.signal)) {
          seen.push(...events.map(({ seq }) => seq))
          if (seen.length < 20) await Bun.sleep(20)
        }
      }
      const following = followSlowly()
      // The follower waits for the first event by then.
      await Bun.sleep(50)
      const written = await Promise.all(
        Array.from({ length: 1500 }, () => appendEvent(fixture.events, queuedEvent(), 0)),
      )
      await waitForCount(seen, 1500)
      leave.abort()
      await following
      expect(seen).toEqual(written.toSorted((a, b) => a - b))
    }, 20_000)

    test('an event is found by its sequence until it is removed', async () => {
      await using fixture = await open()
      const event = queuedEvent()
      const seq = await appendEvent(fixture.events, event, 0)
      expect(await fixture.eventLog.at(seq)).toEqual({ seq, storedAt: expect.any(Date), event })
      expect(await fixture.eventLog.at(seq + 1)).toBeNull()
      await appendEvent(fixture.events, createEvent('deleted', event.task, {}, new Date()), seq)
      expect(await fixture.eventLog.at(seq)).toBeNull()
    })

    test('the head has the identity of the log and its newest sequence', async () => {
      await using fixture = await open()
      const before = await fixture.eventLog.readHead()
      const seq = await appendEvent(fixture.events, queuedEvent(), 0)
      expect(await fixture.eventLog.readHead()).toEqual({ logId: before.logId, last: seq, written: seq })
      expect(before.logId).not.toBe('')
    })
  })
}

/** Appends events of these kinds in order; returns them as stored. */
async function appendEvents(
  events: Events,
  task: ReturnType<typeof sampleTask>,
  kinds: EventKind[],
): Promise<StoredEvent[]> {
  const written: StoredEvent[] = []
  const append = async (event: TaskEvent, after: number): Promise<StoredEvent> => {
    const seq = await appendEvent(events, event, after)
    const last = await events.last(task.account, task.id)
    if (last?.seq !== seq) throw new Error(`${seq} is not the last event of the task`)
    return last
  }
  for (const kind of kinds) {
    const event = createEvent(kind, task, {}, new Date())
    written.push(await append(event, written.at(-1)?.seq ?? 0))
  }
  return written
}

async function follow(log: EventLog, after: number, signal: AbortSignal, seen: StoredEvent[]): Promise<void> {
  for await (const events of log.follow(after, signal)) seen.push(...events)
}

async function readAll(history: AsyncIterable<StoredEvent>): Promise<StoredEvent[]> {
  return Array.fromAsync(history)
}

async function waitForCount(seen: readonly unknown[], count: number): Promise<void> {
  await waitFor(
    `${count} events followed`,
    () => seen.length,
    (length) => length === count,
  )
}
