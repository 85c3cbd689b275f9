import { chromium, type Browser } from 'playwright-core'

/** Names of the Chromium program on common systems. */
const names = ['chromium', 'chromium-browser', 'google-chrome']

/** Without background services, and without the sandbox, which root cannot use: it only loads our own pages. */
const flags = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
]

/**
 * Starts the machine's Chromium: `PIXELFLOW_CHROMIUM`, else the first of its usual names on PATH.
 * @throws Error that explains how to install one.
 */
export async function launchChromium(): Promise<Browser> {
  return chromium.launch({ executablePath: findChromium(), args: flags })
}

function findChromium(): string {
  const named = process.env['PIXELFLOW_CHROMIUM']
  const found = named === undefined ? names.map((name) => Bun.which(name)) : [Bun.which(named)]
  const path = found.find((one) => one !== null)
  if (path !== undefined && path !== null) return path
  throw new Error(
    named === undefined
      ? `The browser test needs Chromium: none of ${names.join(', ')} is on PATH. ` +
          'Install it (Debian: apt-get install chromium) or name it in PIXELFLOW_CHROMIUM.'
      : `PIXELFLOW_CHROMIUM names ${named}, which is not an executable file. Correct it, or unset it to look on PATH.`,
  )
}
