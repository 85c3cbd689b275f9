import { CliError } from '../cli-error.ts'
import { aptCommand, installWithApt, type Installer } from './apt.ts'

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
 * Finds a Chromium for the browser tests: the named one, one on PATH, or (as root, with apt-get) a newly installed one.
 *
 * @throws CliError with the command that installs it.
 */
export async function findChromium({ named, ...installer }: BrowserSearch): Promise<string> {
  const { path } = installer
  const options = path === undefined ? {} : { PATH: path }
  if (named !== undefined) {
    if (Bun.which(named, options)) return named
    throw new CliError('usage', `PIXELFLOW_CHROMIUM=${named} is not a program.`, {
      remedy: 'Correct the path, or unset the variable to use the Chromium on PATH.',
    })
  }
  const found = [...names, ...macApps].map((name) => Bun.which(name, options)).find(Boolean)
  if (found) return found
  if (!(await installWithApt(['chromium'], installer))) {
    const command = aptCommand(['chromium'], path)
    throw new CliError('failed', 'The browser tests need Chromium, but none is on PATH.', {
      remedy: command
        ? `Install it: ${command}`
        : 'Install Chromium or Chrome with your package manager, or set PIXELFLOW_CHROMIUM to its path.',
    })
  }
  const installed = names.map((name) => Bun.which(name, options)).find(Boolean)
  if (installed) return installed
  throw new CliError('failed', 'apt-get installed Chromium, but it is not on PATH.', {
    remedy: 'Set PIXELFLOW_CHROMIUM to its path.',
  })
}
