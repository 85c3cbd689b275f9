import { expect, test } from 'bun:test'
import { appendEvent } from '@pixelflow/testkit/append-event'
import { taskOutboxContract } from '@pixelflow/testkit/contracts/task-outbox'
import { queuedEvent, sampleTask } from '@pixelflow/testkit/tasks'
import { waitFor } from '@pixelflow/testkit/wait-for'
import { openNatsFixture } from '../testing/nats-fixture.ts'

taskOutboxContract('nats', 300, async () => {
  const { adapters, other, ...fixture } = await openNatsFixture({ reconcileAfterMs: 300 })
  return {
    ...fixture,
    events: adapters.events,
    outbox: adapters.outbox,
    elsewhere: other.outbox,
  }
})

test('a reader misses no entry when the broker is killed', async () => {
  await using fixture = await openNatsFixture({ reconcileAfterMs: 100 })
  const leave = new AbortController()
  const seen = new Set<string>()
  const read = async () => {
    for await (const entry of fixture.other.outbox.entries(leave.signal)) {
      seen.add(entry.task)
      await entry.settle()
    }
  }
  const reading = read()
  const tasks = Array.from({ length: 20 }, () => sampleTask())
  const create = (some: typeof tasks) =>
    Promise.all(some.map((task) => appendEvent(fixture.adapters.events, queuedEvent(task), 0)))
  await create(tasks.slice(0, 10))
  await fixture.nats.kill9()
  await fixture.nats.restart()
  await create(tasks.slice(10))
  // Entries in delivery when the broker was killed are redelivered when their ack wait ends.
  await waitFor(
    'all entries seen',
    () => seen.size,
    (n) => n === 20,
    { timeoutMs: 30_000 },
  )
  leave.abort()
  await reading
  expect([...seen].toSorted()).toEqual(tasks.map(({ id }) => id).toSorted())
}, 60_000)
