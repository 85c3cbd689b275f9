import { copyFileSync, mkdirSync, readFileSync, renameSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { lock } from './lock.ts'

/**
 * Installs the packages as bun.lock names them. Started by the launcher when that file differs from its copy of the
 * last install, so it may import nothing but what Bun brings. Two at once: the second waits and finds it done.
 */

const root = resolve(import.meta.dir, '..')
const wanted = join(root, 'bun.lock')
const state = join(root, 'node_modules/.pixelflow')
const stamp = join(state, 'bun.lock')
const say = (text: string) => process.stderr.write(`pixelflow: ${text}\n`)

process.exitCode = await setUp()

async function setUp(): Promise<number> {
  mkdirSync(state, { recursive: true })
  using held = await lock(join(state, 'setup.lock'), 'exclusive', { timeoutMs: 600_000 })
  if (!held) {
    say('another set-up of this checkout has been running for 10 minutes; end it and try again.')
    return 1
  }
  if (isInstalled()) return 0
  say(`installing packages with Bun ${process.versions.bun} (again only when bun.lock changes)`)
  const install = Bun.spawn([process.execPath, '--no-env-file', 'install', '--frozen-lockfile'], {
    cwd: root,
    stdin: 'ignore',
    // What the command prints belongs to its caller; news of the set-up does not.
    stdout: 2,
    stderr: 'inherit',
  })
  const code = await install.exited
  if (code !== 0) {
    say('the packages could not be installed; see above. Correct the cause and try again.')
    return code
  }
  copyFileSync(wanted, `${stamp}.new`)
  renameSync(`${stamp}.new`, stamp)
  return 0
}

function isInstalled(): boolean {
  try {
    return readFileSync(stamp).equals(readFileSync(wanted))
  } catch {
    return false
  }
}
