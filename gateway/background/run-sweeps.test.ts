import { expect, test } from 'bun:test'
import { createLogger } from '@pixelflow/platform/telemetry/logger'
import { openAdapters } from '@pixelflow/nats/open-adapters'
import { readSettings } from '@pixelflow/platform/config/read-settings'
import { natsSettings } from '@pixelflow/nats/nats-settings'
import { startNats } from '@pixelflow/testkit/nats'
import { stays, waitFor } from '@pixelflow/testkit/wait-for'
import { runSweeps } from './run-sweeps.ts'

test('one of two gateways sweeps, and the other takes over when it stops', async () => {
  await using nats = await startNats()
  const settings = readSettings(natsSettings, nats.env)
  const log = createLogger({ service: 'test', level: 'error', format: 'json' })
  const open = () => openAdapters({ settings, name: 'test', log, sweepGraceMs: 0 })
  await using one = await open()
  await using other = await open()
  const write = await one.results.begin()
  await write.write(Buffer.from('an output of no task'))
  const name = 'local/gone/main/default'
  await write.commit(() => name)

  const sweeps: string[] = []
  const run = (who: string, { leaderElection, sweeper }: typeof one, signal: AbortSignal) =>
    runSweeps(
      {
        leaderElection,
        sweeper: {
          async sweep(stop) {
            sweeps.push(who)
            return sweeper.sweep(stop)
          },
        },
        everyMs: 100,
        log,
      },
      signal,
    )
  const leave = [new AbortController(), new AbortController()] as const
  const running = [run('one', one, leave[0].signal)]
  await waitFor(
    'two sweeps',
    () => sweeps.length,
    (length) => length >= 2,
  )
  expect(await one.results.stat(name)).toBeNull()
  running.push(run('other', other, leave[1].signal))
  await stays('one gateway sweeping', () => !sweeps.includes('other'), 500)
  expect(new Set(sweeps)).toEqual(new Set(['one']))
  leave[0].abort()
  await waitFor(
    'sweep of the other gateway',
    () => sweeps,
    (done) => done.includes('other'),
  )
  leave[1].abort()
  await Promise.all(running)
}, 30_000)
