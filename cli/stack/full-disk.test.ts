import { expect, test } from 'bun:test'
import { join, resolve } from 'node:path'
import { mountSmallDisk } from '@pixelflow/testkit/small-disk'
import { freePort } from '@pixelflow/testkit/port'
import { launch, hasMessage } from '@pixelflow/testkit/process'
import { waitFor } from '@pixelflow/testkit/wait-for'

const root = resolve(import.meta.dir, '../..')

test('up restarts nats-server after its disk was full and has space again', async () => {
  await using disk = await mountSmallDisk(160 * 2 ** 20)
  const port = await freePort()
  await using running = launch({
    command: [join(root, 'pixelflow'), 'up'],
    env: {
      PIXELFLOW_HTTP_PORT: String(port),
      PIXELFLOW_GRPC_PORT: '0',
      PIXELFLOW_DATA_DIR: join(disk.path, 'data'),
    },
  })
  await running.line((line) => hasMessage('ready')(line) && line.includes('"service":"up"'), 60_000)
  const readiness = async () => (await fetch(`http://127.0.0.1:${port}/health/ready`)).status
  const waitUntilReady = () =>
    waitFor('gateway ready', readiness, (status) => status === 200, { timeoutMs: 60_000 })
  await waitUntilReady()

  await disk.fill()
  await running.line(hasMessage('disk full; nats-server needs free space'), 60_000)
  expect(await readiness()).toBe(503)
  // Without free space a restart would not help.
  expect(running.lines.filter(hasMessage('process restarted'))).toEqual([])

  await disk.empty()
  await running.line(hasMessage('process restarted'), 60_000)
  await waitUntilReady()
  // All its processes have exited with it, so the disk can be unmounted.
  running.signal('SIGTERM')
  await running.exited
}, 240_000)
