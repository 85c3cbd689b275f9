import { expect, test } from 'bun:test'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pause } from '@pixelflow/core/pause'
import type { EventLog } from '@pixelflow/core/ports/events'
import { viewTaskPage } from '@pixelflow/core/views'
import { createLogger } from '@pixelflow/platform/telemetry/logger'
import { sampleImage } from '@pixelflow/testkit/images'
import { openReadModel } from '../readmodel/read-model.ts'
import { openTestGateway } from '../testing/test-gateway.ts'
import { startFollower } from './follower.ts'
import { createWatchers } from './watchers.ts'

const lagMs = 400

test('`waitForHead` waits while the follower is behind the log, for a limited time', async () => {
  await using gateway = await openTestGateway()
  const { id: image } = await gateway.image(await sampleImage({ width: 20, height: 20 }))
  const folder = await mkdtemp(join(tmpdir(), 'pixelflow-follower-'))
  const log = createLogger({ service: 'test', level: 'error', format: 'json' })
  const late: EventLog = {
    at: (seq) => gateway.adapters.eventLog.at(seq),
    readHead: () => gateway.adapters.eventLog.readHead(),
    async *follow(after, signal) {
      for await (const one of gateway.adapters.eventLog.follow(after, signal)) {
        await pause(lagMs, signal)
        yield one
      }
    },
  }
  using index = openReadModel({
    path: join(folder, 'tasks.sqlite'),
    clock: gateway.adapters.clock,
    retentionMs: 60_000,
    log,
    onRewound: () => {},
  })
  await using follower = startFollower({
    clock: gateway.adapters.clock,
    eventLog: late,
    index,
    watchers: createWatchers(),
    onNewLog: () => {},
    log,
  })
  await follower.waitForCatchUp(2000)
  const ids = async () =>
    viewTaskPage(await index.list({ account: 'local', limit: 10 })).items.map((one) => one.id)

  expect(await follower.waitForHead(2000)).toBe(true)
  const { id } = await gateway.submit(image)
  expect(await follower.waitForHead(lagMs / 4)).toBe(false)
  expect(await ids()).toEqual([])
  expect(await follower.waitForHead(10 * lagMs)).toBe(true)
  expect(await ids()).toEqual([id])

  await gateway.nats.kill9()
  const begun = performance.now()
  expect(await follower.waitForHead(lagMs)).toBe(false)
  // It takes its own limit, and not the longer one for retries against a broker.
  expect(performance.now() - begun).toBeLessThan(10_000)
  await gateway.nats.restart()
  await rm(folder, { recursive: true })
}, 30_000)
