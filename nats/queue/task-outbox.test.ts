import { expect, test } from 'bun:test'
import { acceptancesContract } from '@pixelflow/testkit/contracts/task-outbox'
import { queuedEvent, sampleTask } from '@pixelflow/testkit/tasks'
import { openFixture, until } from '../testing/nats-fixture.ts'

acceptancesContract('nats', 300, async () => {
  const { adapters, other, ...fixture } = await openFixture({ reconcileAfterMs: 300 })
  return {
    ...fixture,
    events: adapters.events,
    acceptances: adapters.acceptances,
    elsewhere: other.acceptances,
  }
})

test('a broker that dies: a reader goes on by itself and misses none', async () => {
  await using fixture = await openFixture({ reconcileAfterMs: 100 })
  const leave = new AbortController()
  const seen = new Set<string>()
  const read = async () => {
    for await (const accepted of fixture.other.acceptances.accepted(leave.signal)) {
      seen.add(accepted.task)
      await accepted.settle()
    }
  }
  const reading = read()
  const tasks = Array.from({ length: 20 }, () => sampleTask())
  const accept = (some: typeof tasks) =>
    Promise.all(some.map((task) => fixture.adapters.events.append(queuedEvent(task), 0)))
  await accept(tasks.slice(0, 10))
  await fixture.nats.kill9()
  await fixture.nats.restart()
  await accept(tasks.slice(10))
  // What was under way when the broker died comes again after its time to settle, 15 seconds.
  await until(() => seen.size === 20, 30_000)
  leave.abort()
  await reading
  expect([...seen].toSorted()).toEqual(tasks.map(({ id }) => id).toSorted())
}, 60_000)
