import { redact, WrongSettings } from '@pixelflow/fabric/config'
import { fabricSettings } from '@pixelflow/fabric/settings'
import { createLog, type Log } from '@pixelflow/fabric/telemetry/log'
import { gatewaySettings, readConfig, type GatewayConfig } from './config.ts'
import { openGateway } from './gateway.ts'

/** One gateway process: the only way in. Serves until it is told to stop, then drains. */

/** How long the first fold of the event log may hold up the word "ready"; readiness itself is told by /health/ready. */
const foldPatienceMs = 10_000
/** Beyond the drain, for parting from the broker and the disk. */
const goodbyeMs = 1500

const config = read()
const log = createLog({ room: 'gateway', level: config.logLevel, format: config.logFormat })
const stop = new AbortController()
for (const signal of ['SIGTERM', 'SIGINT'] as const) {
  process.on(signal, () => {
    log.info('stopping', { signal })
    stop.abort()
  })
}
if (config.exitWithParent) process.stdin.resume().on('close', () => stop.abort())
for (const event of ['uncaughtException', 'unhandledRejection'] as const) {
  process.on(event, (error) => fail('unexpected error', error))
}

try {
  await run(config, log, stop.signal)
  log.info('stopped')
  process.exit(0)
} catch (error) {
  fail('cannot run', error)
}

async function run(config: GatewayConfig, log: Log, stop: AbortSignal): Promise<void> {
  const settings = redact({ ...fabricSettings, ...gatewaySettings }, config)
  log.info('starting', { pid: process.pid, settings })
  const gateway = await openGateway(config, log)
  await gateway.caughtUp(foldPatienceMs)
  log.info('ready', { url: gateway.url })
  await stopped(stop)
  const late = setTimeout(() => {
    log.warn('left without parting')
    process.exit(0)
  }, config.drainTimeoutMs + goodbyeMs)
  await gateway[Symbol.asyncDispose]()
  clearTimeout(late)
}

function read(): GatewayConfig {
  try {
    return readConfig(process.env)
  } catch (error) {
    const problems = error instanceof WrongSettings ? error.message.split('\n') : [String(error)]
    createLog({ room: 'gateway' }).error('settings are wrong', { problems })
    process.exit(1)
  }
}

function fail(what: string, error: unknown): never {
  log.error(what, { error })
  process.exit(1)
}

function stopped(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve()
  return new Promise((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }))
}
