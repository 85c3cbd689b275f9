import { beforeAll, expect, test } from 'bun:test'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { installWithApt } from '@pixelflow/cli/tools/apt'
import { readSettings } from '@pixelflow/platform/config/read-settings'
import { openAdapters } from '@pixelflow/nats/open-adapters'
import { natsSettings } from '@pixelflow/nats/nats-settings'
import { createLogger } from '@pixelflow/platform/telemetry/logger'
import { mountSmallDisk } from '@pixelflow/testkit/small-disk'
import { startNats } from '@pixelflow/testkit/nats'
import { freePort } from '@pixelflow/testkit/port'
import { waitFor } from '@pixelflow/testkit/wait-for'
import { freezeProcess } from '@pixelflow/testkit/freeze-process'
import { manifests, findOnlyObject } from './manifests.ts'

/** Runs the liveness probe of the chart's nats-server with BusyBox, as the image does. */

beforeAll(async () => {
  if (Bun.which('busybox')) return
  await installWithApt(['busybox'], {
    mayInstall: process.getuid?.() === 0,
    say: (text) => process.stderr.write(`${text}\n`),
  })
  if (!Bun.which('busybox')) throw new Error('This test needs busybox. Install it: apt-get install busybox')
}, 300_000)

test('the probe fails if a restart helps: the server hangs, or its disk was full and has space again', async () => {
  await using scope = new AsyncDisposableStack()
  const home = await mkdtemp(join(tmpdir(), 'pixelflow-liveness-'))
  scope.defer(() => rm(home, { recursive: true, force: true }))
  const disk = scope.use(await mountSmallDisk(96 * 2 ** 20))
  const monitor = await freePort()
  const nats = scope.use(
    await startNats({ store: join(disk.path, 'store'), config: `http: "127.0.0.1:${monitor}"` }),
  )
  const objects = await manifests([])
  const probe = findOnlyObject(objects, 'StatefulSet').spec?.template?.spec.containers[0]?.livenessProbe
  expect(probe?.exec?.command).toEqual(['sh', '/etc/nats/liveness.sh'])
  const script = findOnlyObject(objects, 'ConfigMap', '-nats').data?.['liveness.sh'] ?? ''
  const path = join(home, 'liveness.sh')
  await Bun.write(path, script.replaceAll('8222', String(monitor)).replaceAll('/data', disk.path))
  await run('busybox', '--install', '-s', home)
  const isAlive = async () => (await run(join(home, 'sh'), path)) === 0

  async function run(...command: string[]): Promise<number> {
    // Only BusyBox, as in the image.
    const env = { PATH: command[0] === 'busybox' ? (process.env['PATH'] ?? '') : home }
    return Bun.spawn(command, { env, stdin: 'ignore', stdout: 'ignore', stderr: 'ignore' }).exited
  }

  const settings = readSettings(natsSettings, nats.env)
  const log = createLogger({ service: 'test', level: 'error' })
  const adapters = scope.use(await openAdapters({ settings, name: 'test', log }))
  const check = scope.use(adapters.checkWrites('test'))
  await check.firstWrite
  expect(await isAlive()).toBe(true)

  await disk.fill()
  await waitFor(
    'writes fail',
    () => check.state,
    ({ isOk }) => !isOk,
    { timeoutMs: 30_000 },
  )
  const health = await fetch(`http://127.0.0.1:${monitor}/healthz`)
  expect(health.status).toBe(503)
  expect(await isAlive()).toBe(true)

  await disk.empty()
  expect(await isAlive()).toBe(false)

  await nats.restart()
  expect(await isAlive()).toBe(true)
  await waitFor(
    'writes succeed',
    () => check.state,
    ({ isOk }) => isOk,
    { timeoutMs: 30_000 },
  )

  await freezeProcess(nats.pid)
  expect(await isAlive()).toBe(false)
}, 180_000)
