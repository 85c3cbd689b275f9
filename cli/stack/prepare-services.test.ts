import { afterEach, expect, test } from 'bun:test'
import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { createLogger } from '@pixelflow/platform/telemetry/logger'
import { prepareServices } from './prepare-services.ts'

const log = createLogger({ service: 'test', level: 'error', format: 'json' })
const folders: string[] = []

afterEach(async () => {
  for (const path of folders.splice(0)) await rm(path, { recursive: true, force: true })
})

/** A checkout with services that print a line. */
async function checkout(): Promise<string> {
  const root = await mkdtemp(join(tmpdir(), 'pixelflow-bundle-'))
  folders.push(root)
  await write(root, 'bun.lock', '{}')
  await write(root, 'core/greeting.ts', "export const greeting: string = 'one'\n")
  await write(
    root,
    'gateway/main.ts',
    "import { greeting } from '../core/greeting.ts'\nconsole.log(greeting)\n",
  )
  await write(root, 'actors/main.ts', "console.log('actor', import.meta.path)\n")
  await write(root, 'actors/sandbox/worker-entry.ts', "console.log('worker')\n")
  return root
}

async function write(root: string, path: string, text: string): Promise<void> {
  await mkdir(dirname(join(root, path)), { recursive: true })
  await writeFile(join(root, path), text)
}

function run(path: string): string {
  const { stdout } = Bun.spawnSync([process.execPath, path])
  return stdout.toString().trim()
}

test('services run from bundles, which are built once and again after a change', async () => {
  const root = await checkout()
  const first = await prepareServices(root, [], log)
  expect(run(first.gateway)).toBe('one')
  expect(run(first.actors)).toBe(`actor ${first.actors}`)
  expect(run(join(dirname(first.actors), 'worker-entry.js'))).toBe('worker')
  expect(await prepareServices(root, [], log)).toEqual(first)

  await write(root, 'core/greeting.ts', "export const greeting: string = 'another one'\n")
  const second = await prepareServices(root, [], log)
  expect(run(second.gateway)).toBe('another one')
  expect(second.actors).toBe(first.actors)
  // A process of the earlier bundle may load more of it.
  expect(run(first.gateway)).toBe('one')
})

test('bundles are built again after the packages have changed', async () => {
  const root = await checkout()
  const first = await prepareServices(root, [], log)
  await write(root, 'bun.lock', '{ "changed": true }')
  const second = await prepareServices(root, [], log)
  expect(second.gateway).not.toBe(first.gateway)
})

test('only some earlier bundles are kept', async () => {
  const root = await checkout()
  for (let i = 0; i < 6; i++) {
    await write(root, 'core/greeting.ts', `export const greeting: string = '${'x'.repeat(i)}'\n`)
    await prepareServices(root, [], log)
  }
  const names = await readdir(join(root, 'gateway/node_modules/.pixelflow'))
  expect(names.filter((name) => name !== 'current.json').length).toBe(4)
})

test('a service runs from its sources where its bundle cannot be built', async () => {
  const root = await checkout()
  await write(root, 'gateway/main.ts', "import 'a-package-that-is-missing'\n")
  const entries = await prepareServices(root, [], log)
  expect(entries.gateway).toBe(join(root, 'gateway/main.ts'))
})
