import { redacted } from '../config/setting.ts'
import { formatPretty } from './format-pretty.ts'
import { currentTraceId } from './tracing/tracing.ts'
import { withoutPassword } from './without-password.ts'
import { writeStdout } from './write-stdout.ts'

export const levels = ['debug', 'info', 'warn', 'error'] as const
export type Level = (typeof levels)[number]

export type Fields = Readonly<Record<string, unknown>>

/** Writes one line per event: a short fixed message, with fields for everything that varies. */
export interface Logger {
  debug(msg: string, fields?: Fields): void
  info(msg: string, fields?: Fields): void
  warn(msg: string, fields?: Fields): void
  error(msg: string, fields?: Fields): void
  /** A logger that adds these fields to each line. */
  child(fields: Fields): Logger
  /** Whether lines of this level are written, to avoid computing expensive fields. */
  enabled(level: Level): boolean
}

export interface LoggerOptions {
  /** The service that writes the log, e.g. `gateway`. */
  readonly service: string
  /** Default `info`. */
  readonly level?: Level | undefined
  /** Default: pretty on a terminal, else JSON lines. */
  readonly format?: 'json' | 'pretty' | undefined
  /** Writes a whole line, at once if it is urgent; default standard output. */
  readonly write?: (line: string, isUrgent: boolean) => void
}

/**
 * A structured logger. Fields with secret names are redacted; errors are written with their causes.
 *
 * Written by hand because pino redacts fields by path, not by name at any depth, and with that costs three times as much for
 * each line (docs/adr/0016-own-logger.md). No upstream issue is known. Remove it when a library passes `logger.test.ts`,
 * "secrets are never written, by name or within an address" first of all, at the same cost.
 */
export function createLogger({
  service,
  level = 'info',
  format,
  write = writeStdout,
}: LoggerOptions): Logger {
  const lowest = levels.indexOf(level)
  const isPretty = format === undefined ? process.stdout.isTTY : format === 'pretty'
  return isPretty
    ? bound({ service }, lowest, (level, msg, fields) =>
        write(formatPretty(level, msg, fields), isUrgent(level)),
      )
    : bound({ service }, lowest, (level, msg, fields) =>
        write(formatJson(level, msg, fields), isUrgent(level)),
      )
}

/** Lines that may be the last ones of a process that is about to crash. */
function isUrgent(level: Level): boolean {
  return level === 'warn' || level === 'error'
}

function bound(
  fixed: Fields,
  lowest: number,
  emit: (level: Level, msg: string, fields: Fields) => void,
): Logger {
  const at = (level: Level) => {
    if (levels.indexOf(level) < lowest) return () => {}
    return (msg: string, fields?: Fields) => {
      const traceId = currentTraceId()
      const traced = traceId === undefined ? fixed : { ...fixed, traceId }
      emit(level, msg, fields ? { ...traced, ...sanitize(fields) } : traced)
    }
  }
  return {
    debug: at('debug'),
    info: at('info'),
    warn: at('warn'),
    error: at('error'),
    child: (fields) => bound({ ...fixed, ...sanitize(fields) }, lowest, emit),
    enabled: (level) => levels.indexOf(level) >= lowest,
  }
}

function formatJson(level: Level, msg: string, fields: Fields): string {
  const { service, ...rest } = fields
  return `${JSON.stringify({ time: new Date().toISOString(), level, service, msg, ...rest })}\n`
}

const secretNames = /token|passw|secret|authori[sz]ation|cookie|credential|api_?key/i
const maxDepth = 4
const maxTextLength = 4096

/** Plain values, limited in depth and length, with secrets redacted. */
function sanitize(fields: Fields, depth = 0): Record<string, unknown> {
  const plain: Record<string, unknown> = {}
  for (const [key, value] of Object.entries(fields)) {
    plain[key] = value != null && secretNames.test(key) ? redacted : plainOf(value, depth)
  }
  return plain
}

function plainOf(value: unknown, depth: number): unknown {
  if (typeof value === 'string') return withoutPassword(value).slice(0, maxTextLength)
  if (typeof value === 'bigint') return String(value)
  if (typeof value !== 'object' || value === null) return value
  if (value instanceof Error) return plainError(value, depth)
  if (value instanceof Date) return value
  if (depth >= maxDepth) return '[deeper]'
  if (ArrayBuffer.isView(value)) return `[${value.byteLength} bytes]`
  if (Array.isArray(value)) return value.slice(0, 100).map((one) => plainOf(one, depth + 1))
  return sanitize(value as Fields, depth + 1)
}

function plainError(error: Error, depth: number): unknown {
  const { code, hints } = error as { code?: unknown; hints?: unknown }
  const stack = error.stack?.slice(0, maxTextLength)
  return {
    name: error.name,
    message: withoutPassword(error.message).slice(0, maxTextLength),
    ...(code === undefined ? {} : { code }),
    ...(hints === undefined ? {} : { hints: plainOf(hints, depth + 1) }),
    ...(stack === undefined ? {} : { stack: withoutPassword(stack) }),
    ...(error.cause === undefined || depth >= maxDepth ? {} : { cause: plainOf(error.cause, depth + 1) }),
  }
}
