import { Exit } from '../exit.ts'

const names = ['chromium', 'chromium-browser', 'google-chrome-stable', 'google-chrome']
const macApps = [
  '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
  '/Applications/Chromium.app/Contents/MacOS/Chromium',
]

export interface BrowserSearch {
  /** Value of `PIXELFLOW_CHROMIUM`. */
  readonly named?: string | undefined
  readonly path?: string | undefined
  /** Whether packages may be installed: we are root. */
  readonly mayInstall: boolean
  readonly say: (text: string) => void
}

/**
 * A Chromium for the browser test: the one named, one on PATH, or, as root on Debian and its kin, one from apt.
 *
 * @throws Exit naming the command that would install it.
 */
export async function findChromium({ named, path, mayInstall, say }: BrowserSearch): Promise<string> {
  const options = path === undefined ? {} : { PATH: path }
  if (named !== undefined) {
    if (Bun.which(named, options)) return named
    throw new Exit('usage', `PIXELFLOW_CHROMIUM=${named} is no program.`, {
      remedy: 'Correct the path, or unset the variable to have one found.',
    })
  }
  const found = [...names, ...macApps].map((name) => Bun.which(name, options)).find(Boolean)
  if (found) return found
  const apt = Bun.which('apt-get', options)
  if (!apt || !mayInstall) {
    throw new Exit('failed', 'The browser test needs Chromium, and there is none on PATH.', {
      remedy: apt
        ? 'Install it: sudo apt-get install -y chromium'
        : 'Install Chromium or Chrome with your package manager, or name it with PIXELFLOW_CHROMIUM.',
    })
  }
  say('installing Chromium with apt-get, for the browser test …')
  await run([apt, 'update', '-qq'], path)
  await run([apt, 'install', '-y', '-qq', '--no-install-recommends', 'chromium'], path)
  const installed = names.map((name) => Bun.which(name, options)).find(Boolean)
  if (installed) return installed
  throw new Exit('failed', 'apt-get has installed Chromium, but it is not on PATH.', {
    remedy: 'Name it with PIXELFLOW_CHROMIUM.',
  })
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
  throw new Exit('failed', `${command.join(' ')} failed:\n${last}`, {
    remedy: 'Install Chromium by hand, or name one with PIXELFLOW_CHROMIUM.',
  })
}
