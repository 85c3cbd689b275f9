import { CliError } from '../cli-error.ts'

export interface Installer {
  readonly path?: string | undefined
  /** Whether packages may be installed: true for root. */
  readonly mayInstall: boolean
  readonly say: (text: string) => void
}

/**
 * Installs packages with apt-get; false when apt-get does not exist or may not be used.
 *
 * @throws CliError `failed` when apt-get fails.
 */
export async function installWithApt(
  packages: readonly string[],
  { path, mayInstall, say }: Installer,
): Promise<boolean> {
  const apt = Bun.which('apt-get', path === undefined ? {} : { PATH: path })
  if (!apt || !mayInstall) return false
  say(`installing ${packages.join(', ')} with apt-get …`)
  await run([apt, 'update', '-qq'], path)
  await run([apt, 'install', '-y', '-qq', '--no-install-recommends', ...packages], path)
  return true
}

/** The command with which a user can install packages; undefined without apt-get. */
export function aptCommand(packages: readonly string[], path: string | undefined): string | undefined {
  const apt = Bun.which('apt-get', path === undefined ? {} : { PATH: path })
  return apt ? `sudo apt-get install -y ${packages.join(' ')}` : undefined
}

async function run(command: readonly string[], path: string | undefined): Promise<void> {
  const child = Bun.spawn([...command], {
    env: { ...Bun.env, ...(path === undefined ? {} : { PATH: path }), DEBIAN_FRONTEND: 'noninteractive' },
    stdin: 'ignore',
    stdout: 'pipe',
    stderr: 'pipe',
    timeout: 5 * 60_000,
  })
  const [code, out, errors] = await Promise.all([child.exited, child.stdout.text(), child.stderr.text()])
  if (code === 0) return
  const last = `${out}${errors}`.trim().split('\n').slice(-8).join('\n')
  throw new CliError('failed', `${command.join(' ')} failed:\n${last}`, {
    remedy: 'Install the packages yourself and try again.',
  })
}
