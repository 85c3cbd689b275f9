import { mkdir, rm } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { CliError } from '../cli-error.ts'
import { lock } from '../lock.ts'
import { aptCommand, installWithApt, type Installer } from './apt.ts'
import type { BuildOptions } from './go.ts'

/** The Debian packages of Python and its venv module. */
const packages = ['python3', 'python3-venv']
const installTimeoutMs = 10 * 60_000

/** The packages of a Python program. */
export interface PythonPackages {
  /** The program, in messages: `the Python client`. */
  readonly program: string
  /** Path of the requirements in the checkout. Each has a version and hashes. */
  readonly requirements: string
  /** The oldest Python that the packages support, such as `3.10`. */
  readonly minimum: `3.${number}`
}

interface RunResult {
  readonly ok: boolean
  readonly text: string
}

/**
 * Creates a venv with the packages in the cache unless it exists, and returns the path of its interpreter. Every version of the
 * requirements and of Python has its own place in the cache. As root, installs a missing Python with apt-get.
 *
 * @throws CliError `failed` when Python is missing or the packages cannot be installed.
 */
export async function preparePythonVenv(
  needed: PythonPackages,
  options: BuildOptions & Installer,
): Promise<string> {
  const python = await findPython(needed, options)
  const requirements = join(options.root, needed.requirements)
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
  using held = await lock(`${folder}.lock`, 'exclusive', { timeoutMs: installTimeoutMs })
  if (!held)
    throw new CliError('failed', 'Another process has been installing the Python packages for ten minutes.', {
      remedy: 'Wait until it has ended, or stop it, and try again.',
    })
  if (await Bun.file(ready).exists()) return program
  const started = performance.now()
  options.say(`installing the packages of ${needed.program} (once, a few seconds) …`)
  // An interrupted installation leaves an incomplete venv.
  await rm(folder, { recursive: true, force: true })
  await createVenv(python.program, folder, needed, options)
  const install = ['-m', 'pip', 'install', '--quiet', '--require-hashes', '--only-binary', ':all:', '-r']
  const installed = await run([program, ...install, requirements], options.path)
  if (!installed.ok) {
    throw new CliError('failed', `Installing the packages of ${needed.program} failed:\n${installed.text}`, {
      remedy: 'The installation needs the Python package index. See the message above.',
    })
  }
  await Bun.write(ready, '')
  options.say(`installed the packages in ${Math.round((performance.now() - started) / 1000)} s`)
  return program
}

async function findPython(
  needed: PythonPackages,
  installer: Installer,
): Promise<{ program: string; version: string }> {
  const options = installer.path === undefined ? {} : { PATH: installer.path }
  const find = () => Bun.which('python3', options)
  const program = find() ?? ((await installWithApt(packages, installer)) ? find() : null)
  if (!program) throw missingPython('python3 was not found on PATH.', needed, installer)
  const { ok, text } = await run(
    [program, '-c', 'import sys; print(sys.executable, "%d.%d.%d" % sys.version_info[:3])'],
    installer.path,
  )
  const [, executable = program, version = ''] = /^(.*) (\d+\.\d+\.\d+)$/m.exec(text) ?? []
  const [major, minor = 0] = version.split('.').map(Number)
  const [, minimumMinor = 0] = needed.minimum.split('.').map(Number)
  if (!ok || major !== 3 || minor < minimumMinor) {
    const found = `${program} is ${version || text}`
    throw missingPython(
      `Python ${needed.minimum} or newer is needed for ${needed.program}; ${found}.`,
      needed,
      {},
    )
  }
  return { program: executable, version }
}

async function createVenv(
  python: string,
  folder: string,
  needed: PythonPackages,
  installer: Installer,
): Promise<void> {
  const create = () => run([python, '-m', 'venv', folder], installer.path)
  let created = await create()
  // Debian has the dependencies of the venv module in a separate package.
  if (!created.ok && (await installWithApt(packages, installer))) {
    await rm(folder, { recursive: true, force: true })
    created = await create()
  }
  if (!created.ok) throw missingPython(`${python} -m venv failed:\n${created.text}`, needed, installer)
}

function missingPython(
  message: string,
  { minimum }: PythonPackages,
  { path }: { path?: string | undefined },
): CliError {
  const command = aptCommand(packages, path)
  return new CliError('failed', message, {
    remedy: command
      ? `Install it: ${command}`
      : `Install Python ${minimum} or newer, with venv, from your package manager or https://www.python.org/downloads/.`,
  })
}

async function run(command: readonly string[], path: string | undefined): Promise<RunResult> {
  const child = Bun.spawn([...command], {
    env: { ...Bun.env, ...(path === undefined ? {} : { PATH: path }) },
    stdin: 'ignore',
    stdout: 'pipe',
    stderr: 'pipe',
    timeout: installTimeoutMs,
  })
  const [code, out, errors] = await Promise.all([child.exited, child.stdout.text(), child.stderr.text()])
  return { ok: code === 0, text: `${out}${errors}`.trim().split('\n').slice(-12).join('\n') }
}
