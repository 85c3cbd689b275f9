import { expect, test } from 'bun:test'
import { mkdtemp, rm, symlink } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { sampleImage } from '@pixelflow/testkit/images'
import { freePort } from '@pixelflow/testkit/port'
import { launch } from '@pixelflow/testkit/process'

/** Every command that the README shows, run as it stands, in its order, in one shell. */

const root = resolve(import.meta.dir, '../..')

/** `up` runs beside the others; `test` is what runs this very file. */
const runElsewhere = ['./pixelflow up', './pixelflow test']

async function commandsOf(markdown: string): Promise<string> {
  const text = await Bun.file(markdown).text()
  const blocks = [...text.matchAll(/^```sh\n([\s\S]*?)^```$/gm)].map((m) => m[1] ?? '')
  return blocks
    .join('\n')
    .split('\n')
    .filter((line) => !runElsewhere.some((command) => line.startsWith(command)))
    .join('\n')
}

test('the commands of the README do what it says', async () => {
  await using scope = new AsyncDisposableStack()
  const folder = await mkdtemp(join(tmpdir(), 'pixelflow-readme-'))
  scope.defer(() => rm(folder, { recursive: true, force: true }))
  await Bun.write(join(folder, 'photo.jpg'), await sampleImage({ width: 1200, height: 900 }))
  await symlink(join(root, 'pixelflow'), join(folder, 'pixelflow'))

  const port = await freePort()
  const env = {
    PIXELFLOW_HTTP_PORT: String(port),
    PIXELFLOW_GRPC_PORT: String(await freePort()),
    PIXELFLOW_DATA_DIR: join(folder, 'data'),
  }
  const up = scope.use(launch({ command: [join(root, 'pixelflow'), 'up'], cwd: folder, env }))
  await waitUntilReady(`http://127.0.0.1:${port}/health/ready`, up.exited)

  const script = (await commandsOf(join(root, 'README.md'))).replaceAll('localhost:3000', `localhost:${port}`)
  expect(script).toContain('./pixelflow process')
  const shell = launch({ command: ['sh', '-exc', script], cwd: folder, env })
  const code = await shell.exited
  if (code !== 0) throw new Error(`the README's commands ended with ${code}:\n${shell.lines.join('\n')}`)

  const seen = shell.lines.join('\n')
  expect(seen).toContain('event: completed')
  for (const name of ['out.webp', 'now.webp', 'small.jpg'])
    expect(await Bun.file(join(folder, name)).exists()).toBe(true)
}, 120_000)

async function waitUntilReady(url: string, exited: Promise<number>): Promise<void> {
  let ended = false
  void exited.then(() => (ended = true))
  for (let wait = 0; wait < 600 && !ended; wait += 1) {
    const ready = await fetch(url).then(
      (r) => r.ok,
      () => false,
    )
    if (ready) return
    await Bun.sleep(100)
  }
  throw new Error('./pixelflow up did not become ready')
}
