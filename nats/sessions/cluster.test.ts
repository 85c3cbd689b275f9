import { expect, test } from 'bun:test'
import { startCluster } from '@pixelflow/testkit/cluster'
import { readSettings } from '@pixelflow/platform/config/read-settings'
import { errorLogger } from '../testing/nats-fixture.ts'
import { openAdapters } from '../open-adapters.ts'
import { natsSettings } from '../nats-settings.ts'

const never = new AbortController().signal

test('sessions across three servers work at once, and after one server was killed', async () => {
  await using cluster = await startCluster()
  const at = (server: number) => {
    const env = { ...cluster.env, NATS_URL: cluster.servers[server]?.url ?? '' }
    return openAdapters({ settings: readSettings(natsSettings, env), name: `at-${server}`, log: errorLogger })
  }
  await using actor = await at(0)
  await using _ = actor.sessionHost.serve('preview', {
    capacity: 100,
    async handle(__, session) {
      for (let frame = await session.next(); frame !== null; frame = await session.next()) {
        await session.send(frame.head, frame.chunks)
      }
    },
  })
  const body = new Uint8Array(300_000).fill(7)
  for (const server of [1, 2]) {
    // The gateway is new: its subscription reaches the other servers while it sends its first offer.
    await using gateway = await at(server)
    const call = async (i: number) => {
      await using session = await gateway.sessions.open('preview', null, never)
      await session.send(i, body)
      await session.finish()
      const frame = await session.next()
      expect([frame?.head, frame?.body.length]).toEqual([i, body.length])
      expect(await session.next()).toBeNull()
    }
    await Promise.all(Array.from({ length: 30 }, (_unused, i) => call(i)))
    if (server === 1) {
      await cluster.servers[2]?.kill9()
      await Promise.all(Array.from({ length: 30 }, (_unused, i) => call(i)))
      await cluster.servers[2]?.restart()
    }
  }
}, 120_000)
