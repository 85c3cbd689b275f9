import { expect, test } from 'bun:test'
import { chmod, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { sampleImage } from '@pixelflow/testkit/images'
import { freePort } from '@pixelflow/testkit/port'
import { launch, hasMessage } from '@pixelflow/testkit/process'

const root = resolve(import.meta.dir, '../..')
const everybody = 0o755

test('another user cannot read files in a manually created data folder', async () => {
  if (process.geteuid?.() !== 0)
    throw new Error('This test acts as another user, which needs root. Run it as root.')
  const home = await mkdtemp(join(tmpdir(), 'pixelflow-data-'))
  const data = join(home, 'data')
  // As an older version or an operator may have left them.
  for (const folder of ['', 'gateway/spool', 'nats/store', 'logs']) {
    await mkdir(join(data, folder), { recursive: true })
  }
  for (const file of [
    'planted',
    'up.lock',
    'users.lock',
    'logs/up.log',
    'gateway/tasks.sqlite',
    'nats/password',
  ]) {
    await writeFile(join(data, file), '')
  }
  for (const path of [home, data]) await chmod(path, everybody)
  expect(await readableByOthers(data)).toContain(join(data, 'gateway/tasks.sqlite'))

  const port = await freePort()
  await using running = launch({
    command: [join(root, 'pixelflow'), 'up'],
    env: { PIXELFLOW_HTTP_PORT: String(port), PIXELFLOW_GRPC_PORT: '0', PIXELFLOW_DATA_DIR: data },
  })
  await running.line((line) => hasMessage('ready')(line) && line.includes('"service":"up"'), 60_000)
  const body = new Uint8Array(await sampleImage({ width: 20, height: 20 }))
  const headers = { 'content-type': 'image/jpeg' }
  const sent = await fetch(`http://127.0.0.1:${port}/api/v1/images`, { method: 'POST', body, headers })
  expect(sent.status).toBe(201)
  // Files of the operator are not changed.
  expect(await readableByOthers(data)).toEqual([join(data, 'planted')])
  running.signal('SIGINT')
  await running.exited
  await rm(home, { recursive: true })
}, 120_000)

/** Files that an unprivileged user can read. */
async function readableByOthers(folder: string): Promise<string[]> {
  const asOtherUser = ['setpriv', '--reuid=65534', '--regid=65534', '--clear-groups']
  const found = Bun.spawn([...asOtherUser, 'find', folder, '-type', 'f', '-readable'], {
    cwd: '/',
    stderr: 'ignore',
  })
  return (await found.stdout.text()).split('\n').filter(Boolean).sort()
}
