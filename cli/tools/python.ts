import { mkdir, rm } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { CliError } from '../cli-error.ts'
import { lock } from '../lock.ts'
import { aptCommand, aptInstall, type Installer } from './apt.ts'
import type { BuildOptions } from './go.ts'

/** Both parts of Python that Debian packs apart from it. */
const packages = ['python3', 'python3-venv']
/** What the client and its packages need. */
const oldest = { major: 3, minor: 10 }
const longestMakeMs = 10 * 60_000

interface Ran {
  readonly ok: boolean
  readonly text: string
}

/**
 * A Python that has the packages of `clients/python/requirements.txt`, in a venv of the cache that is made when it is
 * not there yet. Other requirements, or another Python, mean another place in the cache. A Python that is missing is
 * installed with apt-get where we are root.
 *
 * @throws CliError `failed` naming the command that would install it, or when the packages cannot be had.
 */
export async function pythonClient(options: BuildOptions & Installer): Promise<string> {
  const python = await findPython(options)
  const requirements = join(options.root, 'clients/python/requirements.txt')
  const hasher = new Bun.CryptoHasher('sha256').update(`${python.program} ${python.version}\n`)
  const key = hasher
    .update(await Bun.file(requirements).bytes())
    .digest('hex')
    .slice(0, 16)
  const folder = join(options.cacheDir, 'python', key)
  const program = join(folder, 'bin/python')
  const ready = join(folder, 'ready')
  if (await Bun.file(ready).exists()) return program

  await mkdir(dirname(folder), { recursive: true })
  using held = await lock(`${folder}.lock`, 'exclusive', { timeoutMs: longestMakeMs })
  if (!held)
    throw new CliError('failed', 'Another process has been installing the Python packages for ten minutes.', {
      remedy: 'Wait until it is done, or end it, and try again.',
    })
  if (await Bun.file(ready).exists()) return program
  const started = performance.now()
  options.say('installing the packages of the Python client (once, a few seconds) …')
  // An interrupted installation leaves half a venv.
  await rm(folder, { recursive: true, force: true })
  await makeVenv(python.program, folder, options)
  const install = ['-m', 'pip', 'install', '--quiet', '--require-hashes', '--only-binary', ':all:', '-r']
  const installed = await run([program, ...install, requirements], options.path)
  if (!installed.ok) {
    throw new CliError('failed', `Installing the packages of the Python client failed:\n${installed.text}`, {
      remedy: 'It needs the Python package index; see the message above.',
    })
  }
  await Bun.write(ready, '')
  options.say(`installed them in ${Math.round((performance.now() - started) / 1000)} s`)
  return program
}

async function findPython(installer: Installer): Promise<{ program: string; version: string }> {
  const options = installer.path === undefined ? {} : { PATH: installer.path }
  const find = () => Bun.which('python3', options)
  const program = find() ?? ((await aptInstall(packages, installer)) ? find() : null)
  if (!program) throw missing('There is no python3 on PATH.', installer)
  const { ok, text } = await run(
    [program, '-c', 'import sys; print(sys.executable, "%d.%d.%d" % sys.version_info[:3])'],
    installer.path,
  )
  const [, executable = program, version = ''] = /^(.*) (\d+\.\d+\.\d+)$/m.exec(text) ?? []
  const [major = 0, minor = 0] = version.split('.').map(Number)
  if (!ok || major !== oldest.major || minor < oldest.minor) {
    const wanted = `${oldest.major}.${oldest.minor}`
    throw missing(`The Python client needs Python ${wanted} or newer; ${program} is ${version || text}.`, {})
  }
  return { program: executable, version }
}

async function makeVenv(python: string, folder: string, installer: Installer): Promise<void> {
  const make = () => run([python, '-m', 'venv', folder], installer.path)
  let made = await make()
  // Debian's Python has the module, but not what it needs.
  if (!made.ok && (await aptInstall(packages, installer))) {
    await rm(folder, { recursive: true, force: true })
    made = await make()
  }
  if (!made.ok) throw missing(`${python} -m venv failed:\n${made.text}`, installer)
}

function missing(message: string, { path }: { path?: string | undefined }): CliError {
  const command = aptCommand(packages, path)
  return new CliError('failed', message, {
    remedy: command
      ? `Install it: ${command}`
      : 'Install Python 3.10 or newer, with venv, from your package manager or https://www.python.org/downloads/.',
  })
}

async function run(command: readonly string[], path: string | undefined): Promise<Ran> {
  const child = Bun.spawn([...command], {
    env: { ...Bun.env, ...(path === undefined ? {} : { PATH: path }) },
    stdin: 'ignore',
    stdout: 'pipe',
    stderr: 'pipe',
    timeout: longestMakeMs,
  })
  const [code, out, errors] = await Promise.all([child.exited, child.stdout.text(), child.stderr.text()])
  return { ok: code === 0, text: `${out}${errors}`.trim().split('\n').slice(-12).join('\n') }
}
