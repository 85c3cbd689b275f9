import { redact, InvalidSettings, type Table, type Values } from './config/read-settings.ts'
import { unknownSettings } from './config/unknown-settings.ts'
import type { LogSettings } from './telemetry/log-settings.ts'
import { createLogger, type Logger } from './telemetry/logger.ts'
import { openTracing } from './telemetry/tracing/open-tracing.ts'
import type { TraceSettings } from './telemetry/tracing/trace-settings.ts'

/** Settings that every service has. */
type ServiceSettings = LogSettings & TraceSettings & { readonly exitWithParent: boolean }

export interface Service<T extends Table, S extends Values<T> & ServiceSettings> {
  readonly name: string
  readonly version: string
  readonly table: T
  /** @throws InvalidSettings */
  read(): S
  /** Runs until `stop` aborts, then drains and returns. */
  run(settings: S, log: Logger, stop: AbortSignal): Promise<void>
}

/**
 * Runs a service as this process: reads its settings, runs until SIGTERM or SIGINT (or until the parent process is gone, if
 * `exitWithParent` is set), and exits: with 0 after a stop, with 2 for invalid settings, with 1 after any other failure.
 */
export async function runService<T extends Table, S extends Values<T> & ServiceSettings>({
  name,
  version,
  table,
  read,
  run,
}: Service<T, S>): Promise<never> {
  const settings = await orExit(name, read)
  const log = createLogger({ service: name, level: settings.logLevel, format: settings.logFormat })
  const fail = (message: string, error: unknown): never => {
    log.error(message, { error })
    process.exit(1)
  }
  const stop = new AbortController()
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    process.on(signal, () => {
      log.info('stopping', { signal })
      stop.abort()
    })
  }
  if (settings.exitWithParent) process.stdin.resume().on('close', () => stop.abort())
  for (const event of ['uncaughtException', 'unhandledRejection'] as const) {
    process.on(event, (error) => fail('unexpected error', error))
  }

  log.info('starting', { pid: process.pid, settings: redact(table, settings) })
  const unknown = unknownSettings(process.env)
  if (unknown.length > 0) log.warn('unknown settings ignored', { unknown })
  const tracing = await orExit(name, () => openTracing({ service: name, version, settings, log }))
  try {
    await run(settings, log, stop.signal)
  } catch (error) {
    // A stop during the start is not a failure.
    if (!stop.signal.aborted) {
      exitIfInvalid(name, error)
      fail('service failed', error)
    }
  }
  await tracing[Symbol.asyncDispose]()
  log.info('stopped')
  process.exit(0)
}

/** Resolves when the signal aborts. */
export function waitForAbort(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve()
  return new Promise((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }))
}

/** Exit code for invalid settings; `up` passes it on. */
export const invalidSettingsExitCode = 2

async function orExit<S>(service: string, start: () => S | Promise<S>): Promise<S> {
  try {
    return await start()
  } catch (error) {
    exitIfInvalid(service, error)
    throw error
  }
}

/** Some settings, such as folders, are only known to be invalid when a part of the service opens. */
function exitIfInvalid(service: string, error: unknown): void {
  if (!(error instanceof InvalidSettings)) return
  createLogger({ service }).error('invalid settings', { problems: error.problems })
  process.exit(invalidSettingsExitCode)
}
