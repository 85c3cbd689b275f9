import { CliError } from '../cli-error.ts'
import { aptCommand, aptInstall, type Installer } from './apt.ts'

const names = ['chromium', 'chromium-browser', 'google-chrome-stable', 'google-chrome']
const macApps = [
  '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
  '/Applications/Chromium.app/Contents/MacOS/Chromium',
]

export interface BrowserSearch extends Installer {
  /** Value of `PIXELFLOW_CHROMIUM`. */
  readonly named?: string | undefined
}

/**
 * A Chromium for the browser test: the one named, one on PATH, or, as root on Debian and its derivatives, one from apt.
 *
 * @throws CliError naming the command that would install it.
 */
export async function findChromium({ named, ...installer }: BrowserSearch): Promise<string> {
  const { path } = installer
  const options = path === undefined ? {} : { PATH: path }
  if (named !== undefined) {
    if (Bun.which(named, options)) return named
    throw new CliError('usage', `PIXELFLOW_CHROMIUM=${named} is not a program.`, {
      remedy: 'Correct the path, or unset the variable to have one found.',
    })
  }
  const found = [...names, ...macApps].map((name) => Bun.which(name, options)).find(Boolean)
  if (found) return found
  if (!(await aptInstall(['chromium'], installer))) {
    const command = aptCommand(['chromium'], path)
    throw new CliError('failed', 'The browser test needs Chromium, and there is none on PATH.', {
      remedy: command
        ? `Install it: ${command}`
        : 'Install Chromium or Chrome with your package manager, or name it with PIXELFLOW_CHROMIUM.',
    })
  }
  const installed = names.map((name) => Bun.which(name, options)).find(Boolean)
  if (installed) return installed
  throw new CliError('failed', 'apt-get has installed Chromium, but it is not on PATH.', {
    remedy: 'Name it with PIXELFLOW_CHROMIUM.',
  })
}
