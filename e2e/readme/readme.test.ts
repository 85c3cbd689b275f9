import { expect, test } from 'bun:test'
import { mkdtemp, rm, symlink } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { sampleImage } from '@pixelflow/testkit/images'
import { freePort } from '@pixelflow/testkit/port'
import { launch, type RunningProcess } from '@pixelflow/testkit/process'
import { waitFor } from '@pixelflow/testkit/wait-for'

/** Runs every command of the README, unchanged and in order, in one shell. */

const root = resolve(import.meta.dir, '../..')

/** `up` runs in the background, and `test` would run this file again. */
const runElsewhere = ['./pixelflow up', './pixelflow test']

async function readCommands(markdown: string): Promise<string> {
  const text = await Bun.file(markdown).text()
  const blocks = [...text.matchAll(/^```sh\n([\s\S]*?)^```$/gm)].map((m) => m[1] ?? '')
  return blocks
    .join('\n')
    .split('\n')
    .filter((line) => !runElsewhere.some((command) => line.startsWith(command)))
    .join('\n')
}

test('the commands of the README work', async () => {
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
  await waitUntilReady(`http://127.0.0.1:${port}/health/ready`, up)

  const script = (await readCommands(join(root, 'README.md'))).replaceAll(
    'localhost:3000',
    `localhost:${port}`,
  )
  expect(script).toContain('./pixelflow process')
  const shell = launch({ command: ['sh', '-exc', script], cwd: folder, env })
  const code = await shell.exited
  if (code !== 0)
    throw new Error(`The commands of the README exited with ${code}:\n${shell.lines.join('\n')}`)

  const output = shell.lines.join('\n')
  expect(output).toContain('event: completed')
  for (const name of ['out.webp', 'now.webp', 'small.jpg'])
    expect(await Bun.file(join(folder, name)).exists()).toBe(true)
}, 120_000)

async function waitUntilReady(url: string, { exited, lines }: RunningProcess): Promise<void> {
  const isReady = () =>
    fetch(url).then(
      ({ ok }) => ok,
      () => false,
    )
  const failed = exited.then((code) => {
    throw new Error(`./pixelflow up exited with ${code}:\n${lines.join('\n')}`)
  })
  await Promise.race([failed, waitFor('./pixelflow up ready', isReady, Boolean, { timeoutMs: 60_000 })])
}
