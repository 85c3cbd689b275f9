import { stripVTControlCharacters } from 'node:util'
import { localAccount } from '@pixelflow/core/principal'
import { createLogger, type Level, type Logger } from '@pixelflow/platform/telemetry/logger'
import type { LogEntry } from './log-entry.ts'

export interface LogRendererOptions {
  readonly level: Level
  readonly format: 'json' | 'pretty'
  /** Whether the `pretty` format uses colours. */
  readonly useColor: boolean
}

/** The logger of a service. All of them write to standard output. */
export type LogRenderer = (service: string) => Logger

const colours: Readonly<Record<string, number>> = { up: 35, nats: 33, gateway: 32, actors: 34 }

/** Creates loggers that show the name of the service: before the line in the `pretty` format, as a field in JSON. */
export function createLogRenderer({ level, format, useColor }: LogRendererOptions): LogRenderer {
  const loggers = new Map<string, Logger>()
  return (service) => {
    const known = loggers.get(service)
    if (known) return known
    const label =
      format === 'pretty' ? `\u001b[${colours[service] ?? 37}m${service.padEnd(7)}\u001b[0m │` : service
    const logger = createLogger({ service: label, level, format, ...(useColor ? {} : { write: writePlain }) })
    loggers.set(service, logger)
    return logger
  }
}

/**
 * Shortens an entry for a terminal: without settings, and with ids only if they help to find the cause. JSON entries keep all
 * fields.
 */
export function shortenEntry(entry: LogEntry): LogEntry {
  const { settings: _, ready: __, account, ...fields } = entry.fields
  const owner = account === undefined || account === localAccount ? {} : { account }
  const { method, path, status, requestId, ...rest } = fields
  if (method !== undefined && path !== undefined && typeof status === 'number') {
    const failed = status >= 400 ? { requestId } : {}
    return { ...entry, msg: [method, path, status].join(' '), fields: { ...rest, ...owner, ...failed } }
  }
  return { ...entry, fields: { ...(fields['task'] === undefined ? fields : taskFields(fields)), ...owner } }
}

/** The total time of a task, and the reason of its failure without the stack trace. */
function taskFields(fields: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const { ms, error, image: _, ...rest } = fields
  const total = (ms as { total?: unknown } | undefined)?.total ?? ms
  const { code, message } = (error ?? {}) as { code?: unknown; message?: unknown }
  return {
    ...rest,
    ...(total === undefined ? {} : { ms: total }),
    ...(code === undefined ? {} : { code }),
    ...(error === undefined ? {} : { reason: message ?? error }),
  }
}

function writePlain(line: string): void {
  process.stdout.write(stripVTControlCharacters(line))
}
