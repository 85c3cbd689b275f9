import { expect, test } from 'bun:test'
import { createEvent } from '@pixelflow/core/event'
import { appendEvent } from '@pixelflow/testkit/append-event'
import { startCluster } from '@pixelflow/testkit/cluster'
import { queuedEvent, sampleTask } from '@pixelflow/testkit/tasks'
import { readSettings } from '@pixelflow/platform/config/read-settings'
import { errorLogger } from '../testing/nats-fixture.ts'
import { openAdapters } from '../open-adapters.ts'
import { natsSettings } from '../nats-settings.ts'

test('in a cluster, exactly one of concurrent appends succeeds and the others get a conflict', async () => {
  await using cluster = await startCluster()
  const settings = readSettings(natsSettings, cluster.env)
  await using one = await openAdapters({ settings, name: 'one', log: errorLogger })
  await using other = await openAdapters({ settings, name: 'two', log: errorLogger })
  const outcomes = new Map<string, number>()
  for (let round = 0; round < 40; round += 1) {
    const task = sampleTask()
    const seq = await appendEvent(one.events, queuedEvent(task), 0)
    const ends = await Promise.all(
      [one, other, one, other].map(({ events }, n) =>
        events.append(createEvent('output', task, { progress: n }, new Date()), seq),
      ),
    )
    for (const end of ends) {
      const name = end === null ? 'conflict' : 'stored'
      outcomes.set(name, (outcomes.get(name) ?? 0) + 1)
    }
  }
  expect(Object.fromEntries(outcomes)).toEqual({ stored: 40, conflict: 120 })
}, 60_000)
