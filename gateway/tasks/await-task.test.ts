import { expect, test } from 'bun:test'
import { useFixture } from '@pixelflow/testkit/use-fixture'
import { createEvent, type StoredEvent, type TaskEvent } from '@pixelflow/core/event'
import { Fault } from '@pixelflow/core/fault'
import { createPrincipal } from '@pixelflow/core/principal'
import type { Task } from '@pixelflow/core/task'
import { openNatsFixture, type NatsFixture } from '@pixelflow/nats/testing/nats-fixture'
import { awaitTask } from './await-task.ts'

let fixture: NatsFixture
useFixture(openNatsFixture, (opened) => (fixture = opened))

const queued: Task = {
  id: 'task',
  account: 'local',
  status: 'queued',
  progress: 0,
  image: 'image',
  recipe: { steps: [] },
  lane: 'interactive',
  outputs: [],
  attempt: 0,
  createdAt: '2026-01-01T00:00:00.000Z',
  updatedAt: '2026-01-01T00:00:00.000Z',
}

/** Waits for a task whose store check fails; the event arrives after that. */
function failing(fault: Fault, event?: TaskEvent): Promise<Task> {
  const { events } = fixture.adapters
  async function* follow(signal: AbortSignal): AsyncGenerator<readonly StoredEvent[], void> {
    await new Promise((resolve) => signal.addEventListener('abort', resolve))
    if (event) yield [{ seq: 2, storedAt: new Date(), event }]
  }
  const wait = awaitTask({
    events: { ...events, last: () => Promise.reject(fault) },
    watch: async (_, _id, _after, signal) => follow(signal),
  })
  return wait(createPrincipal('local'), queued, new AbortController().signal)
}

test('a store that does not answer is reported together with the task id', async () => {
  for (const code of ['unavailable', 'storage_failed'] as const) {
    await expect(failing(new Fault(code, 'No answer.'))).rejects.toMatchObject({
      code: 'unavailable',
      message: 'The store does not answer.',
      hints: { remedy: expect.stringContaining('The task task continues') },
    })
  }
}, 30_000)

test('any other fault of the store is passed on unchanged', async () => {
  const fault = new Fault('incompatible_record', 'The event cannot be read.')
  await expect(failing(fault)).rejects.toBe(fault)
}, 30_000)

test('a task whose final event arrives as the store fails has ended', async () => {
  const completed = createEvent('completed', queued, { status: 'completed', progress: 1 }, new Date())
  const task = await failing(new Fault('unavailable', 'No answer.'), completed)
  expect(task.status).toBe('completed')
}, 30_000)

test('a store that fails before the first event is reported together with the task id', async () => {
  const { events } = fixture.adapters
  const wait = awaitTask({
    events,
    watch: () => Promise.reject(new Fault('unavailable', 'No answer.', { remedy: 'Try again in a moment.' })),
  })
  await expect(wait(createPrincipal('local'), queued, new AbortController().signal)).rejects.toMatchObject({
    code: 'unavailable',
    hints: { remedy: expect.stringContaining('The task task continues') },
  })
})
