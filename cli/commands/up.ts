import { join } from 'node:path'
import type { Command } from 'commander'
import { Option } from 'commander'
import type { Logger } from '@pixelflow/platform/telemetry/logger'
import type { Context } from '../context.ts'
import { writeDemoImage } from '../demo/demo-image.ts'
import { tryLock } from '../lock.ts'
import { upFiles } from '../stack/up-files.ts'
import { startUp, type Up } from '../stack/up.ts'
import { shortenEntry, createLogRenderer } from '../stack/log-renderer.ts'
import { styleOf } from '../terminal/style.ts'
import { formatDuration } from '@pixelflow/core/format-duration'
import { curlCommand } from './demo.ts'
import { examples } from './server-flags.ts'

export function upCommand(program: Command, context: Context): void {
  const command = program
    .command('up')
    .summary('run everything on this machine')
    .description(
      'Runs everything on this machine: broker, gateway, actors and the page. A process that ends is restarted.\n' +
        'Ctrl-C drains and stops it; a second one stops it at once.\n\n' +
        'Settings come from the environment, for example PIXELFLOW_HTTP_PORT (3000), PIXELFLOW_HOST (127.0.0.1),\n' +
        'PIXELFLOW_DATA_DIR (.pixelflow), PIXELFLOW_API_TOKENS, PIXELFLOW_TLS_CERT_FILE with PIXELFLOW_TLS_KEY_FILE\n' +
        '(./pixelflow certs makes them) and NATS_URL (use that broker, start none); docs/configuration.md lists all of them.',
    )
    .addOption(new Option('--temporary', 'end when no command uses it any more').hideHelp())
  examples(command, ['up', 'PIXELFLOW_HTTP_PORT=8080 up']).action(
    async ({ temporary = false }: { temporary?: boolean }) => up(temporary, context),
  )
}

/** How often a temporary `up` checks whether a command still uses it. */
const lookEveryMs = 1000

async function up(temporary: boolean, { config, interrupts }: Context): Promise<void> {
  const started = performance.now()
  const format = config.logFormat ?? (process.stdout.isTTY ? 'pretty' : 'json')
  const log = createLogRenderer({
    level: config.logLevel,
    format,
    colour: config.colour || format === 'json',
  })
  const own = log('up')
  // The reader of our output may go away; that is no reason to leave processes behind.
  process.stdout.removeAllListeners('error').on('error', () => {})
  own.debug('starting', { dataDir: config.dataDir })
  const running = await startUp({
    config,
    log,
    ...(format === 'pretty' ? { present: shortenEntry } : {}),
    say: (text) => own.info(text),
    temporary,
    signal: interrupts.signal,
  })
  const startedMs = performance.now() - started
  const picture = join(config.dataDir, 'demo/evening.png')
  const { caFile: ca, certFile: cert, keyFile: key } = config
  const token = needsToken(config.env)
  const call = curlCommand(running.url, picture, 'resize:800/format:webp', { token, ca, cert, key })
  own.info('ready', {
    url: running.url,
    grpc: running.grpc,
    startedMs: Math.round(startedMs),
    broker: running.broker,
  })
  if (format === 'pretty')
    process.stdout.write(banner(running, config.dataDir, call, startedMs, config.colour))
  if (!temporary) {
    try {
      writeDemoImage(picture)
    } catch (error) {
      // Nothing but the first call to copy needs it.
      own.warn('demo picture not written', { picture, error })
    }
  }

  interrupts.again = () => {
    own.warn('stopping at once')
    running.kill()
  }
  using done = await untilOver(temporary, upFiles(config.dataDir).usersLock, interrupts.signal)
  own.info(done ? 'stopping; no command uses it' : 'stopping; work in progress is finished first')
  await stop(running, own)
}

async function stop(running: Up, log: Logger): Promise<void> {
  const started = performance.now()
  await running.stop()
  log.info('stopped', { afterMs: Math.round(performance.now() - started) })
}

/** Resolves when we are asked to end, or, temporary, when the lock of the users is ours; it is kept until the end. */
async function untilOver(
  temporary: boolean,
  usersLock: string,
  signal: AbortSignal,
): Promise<Disposable | null> {
  const asked = new Promise<void>((resolve) => {
    if (signal.aborted) resolve()
    signal.addEventListener('abort', () => resolve(), { once: true })
  })
  if (!temporary) {
    await asked
    return null
  }
  while (!signal.aborted) {
    const alone = tryLock(usersLock, 'exclusive')
    if (alone) return alone
    await Promise.race([asked, Bun.sleep(lookEveryMs)])
  }
  return null
}

function needsToken(env: Readonly<Record<string, string | undefined>>): boolean {
  return Boolean(env['PIXELFLOW_API_TOKENS'] || env['PIXELFLOW_API_TOKENS_FILE'])
}

function banner(running: Up, dataDir: string, call: string, startedMs: number, colour: boolean): string {
  const style = styleOf(process.stdout, colour)
  const row = (name: string, value: string) => `    ${style.dim(name.padEnd(7))} ${value}\n`
  return (
    `\n  ${style.green('●')} ${style.bold('PixelFlow is ready')} ${style.dim(`after ${formatDuration(startedMs)}`)}\n\n` +
    row('page', style.bold(`${running.url}/`)) +
    row('docs', `${running.url}/docs`) +
    row('grpc', running.grpc) +
    row('data', dataDir) +
    row('broker', running.broker) +
    `\n    ${style.dim('first call, in another terminal:')}\n\n    ${call}\n\n` +
    `    ${style.dim('or ./pixelflow demo. Ctrl-C stops everything.')}\n\n`
  )
}
