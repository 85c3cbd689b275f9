import { copyFileSync, mkdirSync, readFileSync, renameSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { lock } from './lock.ts'

/**
 * Installs the packages of bun.lock. The launcher runs this when bun.lock differs from its copy of the last install, so it
 * can import only built-in modules. Of two concurrent runs, the second waits and then has nothing to do.
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
    say('another installation in this checkout has been running for 10 minutes; stop it and try again.')
    return 1
  }
  if (isInstalled()) return 0
  say(`installing packages with Bun ${process.versions.bun} (again only when bun.lock changes)`)
  const install = Bun.spawn([process.execPath, '--no-env-file', 'install', '--frozen-lockfile'], {
    cwd: root,
    stdin: 'ignore',
    // Standard output belongs to the command that runs next.
    stdout: 2,
    stderr: 'inherit',
  })
  const code = await install.exited
  if (code !== 0) {
    say('the packages could not be installed. Fix the error above and try again.')
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
