import { expect, test } from 'bun:test'
import { join, resolve } from 'node:path'
import { mountSmallDisk } from '@pixelflow/testkit/small-disk'
import { freePort } from '@pixelflow/testkit/port'
import { launch, says } from '@pixelflow/testkit/process'
import { until } from '@pixelflow/testkit/until'

const root = resolve(import.meta.dir, '../..')

test('nats-server is restarted by up when its disk was full and has free space again', async () => {
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
  await running.line((line) => says('ready')(line) && line.includes('"service":"up"'), 60_000)
  const ready = async () => (await fetch(`http://127.0.0.1:${port}/health/ready`)).status
  await until(async () => (await ready()) === 200, 30_000)

  await disk.fill()
  await running.line(says('disk full; nats-server needs free space'), 60_000)
  expect(await ready()).toBe(503)
  // Without free space a restart would not help.
  expect(running.lines.filter(says('process restarted'))).toEqual([])

  await disk.empty()
  await running.line(says('process restarted'), 60_000)
  await until(async () => (await ready()) === 200, 60_000)
  // All its processes have ended with it, so the disk can be unmounted.
  running.signal('SIGTERM')
  await running.exited
}, 240_000)
