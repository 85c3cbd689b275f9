import { describe, expect, test } from 'bun:test'
import { mkdir, symlink, writeFile } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import { openFolders, type Folders } from '@pixelflow/testkit/folders'
import { useFixture } from '@pixelflow/testkit/use-fixture'
import { findChromium } from './chromium.ts'
import { buildGoTool } from './go.ts'
import { readPinnedTool } from './pinned-tool.ts'

let folders: Folders
useFixture(
  () => openFolders('pixelflow-tools-'),
  (opened) => (folders = opened),
)

describe('a pinned Go tool', () => {
  /** A checkout with one tool without dependencies. */
  async function checkout(source = 'package main\n\nfunc main() { println("hello") }\n') {
    const root = await folders.create()
    await mkdir(join(root, 'tools/hello/src'), { recursive: true })
    await writeFile(
      join(root, 'tools/hello/go.mod'),
      'module pixelflow.test/hello\n\ngo 1.24\n\ntool pixelflow.test/greet\n\nrequire pixelflow.test/greet v1.2.3\n\nreplace pixelflow.test/greet => ./src\n',
    )
    await writeFile(join(root, 'tools/hello/go.sum'), '')
    await writeFile(join(root, 'tools/hello/src/go.mod'), 'module pixelflow.test/greet\n\ngo 1.24\n')
    await writeFile(join(root, 'tools/hello/src/main.go'), source)
    const messages: string[] = []
    const options = { root, cacheDir: join(root, 'cache'), say: (text: string) => void messages.push(text) }
    return { options, messages, root }
  }

  test('is built once by concurrent calls, and runs', async () => {
    const { options, messages } = await checkout()
    const paths = await Promise.all([1, 2, 3].map(() => buildGoTool('hello', options)))
    expect(new Set(paths).size).toBe(1)
    expect(messages.filter((line) => line.startsWith('building hello 1.2.3'))).toHaveLength(1)
    const run = Bun.spawnSync([paths[0] ?? ''])
    expect(run.stderr.toString()).toBe('hello\n')
  }, 120_000)

  test('is built in another folder when its checksums change', async () => {
    const { options, root } = await checkout()
    const first = await buildGoTool('hello', options)
    await writeFile(join(root, 'tools/hello/go.sum'), '\n')
    expect(await buildGoTool('hello', options)).not.toBe(first)
  }, 120_000)

  test('that does not compile is an error with the output of the compiler', async () => {
    const { options } = await checkout('package main\n\nfunc main() { nothing() }\n')
    await expect(buildGoTool('hello', options)).rejects.toMatchObject({
      code: 1,
      message: expect.stringContaining('undefined: nothing'),
    })
  }, 120_000)

  test.each([
    'nats-server',
    'k6',
    'helm',
    'kubectl-validate',
    'buf',
    'protoc-gen-go',
    'protoc-gen-go-grpc',
    'grpcurl',
  ])('%s is pinned to a version', async (name) => {
    const tool = await readPinnedTool(resolve(import.meta.dir, '../..'), name)
    expect(tool.version).toMatch(/^\d+\.\d+\.\d+$/)
  })
})

describe('Chromium', () => {
  const say = () => {}

  async function path(...names: string[]): Promise<string> {
    const at = await folders.create()
    for (const name of names) await writeFile(join(at, name), '#!/bin/sh\n', { mode: 0o755 })
    return at
  }

  test('on PATH is found by each of its names', async () => {
    const at = await path('google-chrome')
    expect(await findChromium({ path: at, mayInstall: false, say })).toBe(join(at, 'google-chrome'))
  })

  test('that is named but missing is an error with its path', async () => {
    const search = findChromium({ named: '/nowhere/chromium', mayInstall: true, say })
    await expect(search).rejects.toMatchObject({
      code: 2,
      message: expect.stringContaining('/nowhere/chromium'),
    })
  })

  test('is installed by root with apt-get', async () => {
    const at = await path('apt-get')
    for (const name of ['sh', 'chmod']) await symlink(Bun.which(name) ?? '', join(at, name))
    await writeFile(
      join(at, 'apt-get'),
      `#!/bin/sh\necho "$@" >>${at}/asked\n[ "$1" = install ] && { echo '#!/bin/sh' >${at}/chromium; chmod +x ${at}/chromium; }\nexit 0\n`,
      { mode: 0o755 },
    )
    expect(await findChromium({ path: at, mayInstall: true, say })).toBe(join(at, 'chromium'))
    expect(await Bun.file(join(at, 'asked')).text()).toBe(
      'update -qq\ninstall -y -qq --no-install-recommends chromium\n',
    )
  })

  test('that is missing is an error with the command that installs it', async () => {
    const search = findChromium({ path: await path('apt-get'), mayInstall: false, say })
    await expect(search).rejects.toMatchObject({ remedy: 'Install it: sudo apt-get install -y chromium' })
    const without = findChromium({ path: dirname(await path()), mayInstall: true, say })
    await expect(without).rejects.toMatchObject({ remedy: expect.stringContaining('PIXELFLOW_CHROMIUM') })
  })
})
