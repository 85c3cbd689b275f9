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
import { curlCommand } from '../demo/curl-command.ts'
import { addExamples } from './add-examples.ts'

export function addUpCommand(program: Command, context: Context): void {
  const command = program
    .command('up')
    .summary('run everything on this machine')
    .description(
      'Runs the broker, the gateway with its web page, and the actors on this machine, and restarts a process that exits. ' +
        'Ctrl-C finishes the work in progress and stops; a second Ctrl-C stops at once.\n\n' +
        'Settings are environment variables, for example PIXELFLOW_HTTP_PORT (3000), PIXELFLOW_HOST (127.0.0.1), ' +
        'PIXELFLOW_DATA_DIR (.pixelflow), PIXELFLOW_API_TOKENS, PIXELFLOW_TLS_CERT_FILE with PIXELFLOW_TLS_KEY_FILE ' +
        '(created by ./pixelflow certs) and NATS_URL (an existing broker). docs/configuration.md lists all of them.',
    )
    .addOption(new Option('--temporary', 'exit when no command uses it').hideHelp())
  addExamples(command, ['up', 'PIXELFLOW_HTTP_PORT=8080 up']).action(
    async ({ temporary: isTemporary = false }: { temporary?: boolean }) => up(isTemporary, context),
  )
}

/** How often a temporary `up` checks whether a command still uses it. */
const usersCheckMs = 1000

async function up(isTemporary: boolean, { config, interrupts }: Context): Promise<void> {
  const started = performance.now()
  const format = config.logFormat ?? (process.stdout.isTTY ? 'pretty' : 'json')
  const log = createLogRenderer({
    level: config.logLevel,
    format,
    useColor: config.useColor || format === 'json',
  })
  const own = log('up')
  // A closed output must not end this process before its child processes.
  process.stdout.removeAllListeners('error').on('error', () => {})
  own.debug('starting', { dataDir: config.dataDir })
  const running = await startUp({
    config,
    log,
    ...(format === 'pretty' ? { present: shortenEntry } : {}),
    say: (text) => own.info(text),
    isTemporary,
    signal: interrupts.signal,
  })
  const startedMs = performance.now() - started
  const image = join(config.dataDir, 'demo/evening.png')
  const { caFile: ca, certFile: cert, keyFile: key } = config
  const token = needsToken(config.env)
  const call = curlCommand(running.url, image, 'resize:800/format:webp', { token, ca, cert, key })
  own.info('ready', {
    url: running.url,
    grpc: running.grpc,
    startedMs: Math.round(startedMs),
    broker: running.broker,
  })
  if (format === 'pretty')
    process.stdout.write(banner(running, config.dataDir, call, startedMs, config.useColor))
  if (!isTemporary) {
    try {
      writeDemoImage(image)
    } catch (error) {
      // Only the printed example call needs it.
      own.warn('demo image not written', { image, error })
    }
  }

  interrupts.again = () => {
    own.warn('stopping at once')
    running.kill()
  }
  using unused = await waitUntilEnd(isTemporary, upFiles(config.dataDir).usersLock, interrupts.signal)
  own.info(unused ? 'stopping; no command uses it' : 'stopping; finishing work in progress')
  await stop(running, own)
}

async function stop(running: Up, log: Logger): Promise<void> {
  const started = performance.now()
  await running.stop()
  log.info('stopped', { afterMs: Math.round(performance.now() - started) })
}

/**
 * Resolves when `signal` aborts. A temporary `up` also ends when no command uses it: then this returns the lock of the
 * users, so that no command can begin to use it.
 */
async function waitUntilEnd(
  isTemporary: boolean,
  usersLock: string,
  signal: AbortSignal,
): Promise<Disposable | null> {
  const aborted = new Promise<void>((resolve) => {
    if (signal.aborted) resolve()
    signal.addEventListener('abort', () => resolve(), { once: true })
  })
  if (!isTemporary) {
    await aborted
    return null
  }
  while (!signal.aborted) {
    const alone = tryLock(usersLock, 'exclusive')
    if (alone) return alone
    await Promise.race([aborted, Bun.sleep(usersCheckMs)])
  }
  return null
}

function needsToken(env: Readonly<Record<string, string | undefined>>): boolean {
  return Boolean(env['PIXELFLOW_API_TOKENS'] || env['PIXELFLOW_API_TOKENS_FILE'])
}

function banner(running: Up, dataDir: string, call: string, startedMs: number, useColor: boolean): string {
  const style = styleOf(process.stdout, useColor)
  const row = (name: string, value: string) => `    ${style.dim(name.padEnd(7))} ${value}\n`
  return (
    `\n  ${style.green('●')} ${style.bold('PixelFlow is ready')} ${style.dim(`after ${formatDuration(startedMs)}`)}\n\n` +
    row('page', style.bold(`${running.url}/`)) +
    row('docs', `${running.url}/docs`) +
    row('grpc', running.grpc) +
    row('data', dataDir) +
    row('broker', running.broker) +
    `\n    ${style.dim('first call, in another terminal:')}\n\n    ${call}\n\n` +
    `    ${style.dim('or run ./pixelflow demo. Ctrl-C stops everything.')}\n\n`
  )
}
