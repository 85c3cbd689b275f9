import { stripVTControlCharacters } from 'node:util'
import { localAccount } from '@pixelflow/core/principal'
import { createLogger, levels, type Level, type Logger } from '@pixelflow/platform/telemetry/logger'

/** What one process has said: a line of our structured log, of nats-server's log, or whatever a crash prints. */
export interface LogEntry {
  readonly level: Level
  readonly msg: string
  readonly fields: Readonly<Record<string, unknown>>
}

const natsLevels: Readonly<Record<string, Level>> = {
  TRC: 'debug',
  DBG: 'debug',
  // How it starts and stops in a page of lines; what matters of it is said by us.
  INF: 'debug',
  WRN: 'warn',
  ERR: 'error',
  FTL: 'error',
}

/** Understands a line of any of the processes; a line in no known form is an error's, as runtimes print them. */
export function parseLogLine(line: string): LogEntry {
  if (line.startsWith('{')) {
    try {
      const { time: _, service: __, level, msg, ...fields } = JSON.parse(line) as Record<string, unknown>
      if (typeof msg === 'string') return { level: levelOf(level), msg, fields }
    } catch {
      // Not JSON after all: said as it stands.
    }
  }
  const nats = /^\[\d+\] \S+ \S+ \[([A-Z]{3})\] (.*)$/.exec(line)
  if (nats) return { level: natsLevels[nats[1] ?? ''] ?? 'info', msg: nats[2] ?? '', fields: {} }
  return { level: 'error', msg: line, fields: {} }
}

/** What was said, with the reasons that its fields give, for a message that quotes it. */
export function formatReason({ msg, fields }: LogEntry): string {
  const { problems, error } = fields as { problems?: unknown; error?: { message?: unknown } }
  const reasons = Array.isArray(problems) ? problems : [error?.message]
  return [msg, ...reasons.filter((reason) => typeof reason === 'string')].join(': ')
}

function levelOf(value: unknown): Level {
  return levels.find((level) => level === value) ?? 'info'
}

export interface LogRendererOptions {
  readonly level: Level
  readonly format: 'json' | 'pretty'
  /** Whether colours are wanted, where the format has any. */
  readonly colour: boolean
}

const colours: Readonly<Record<string, number>> = { up: 35, nats: 33, gateway: 32, actors: 34 }

/** A log for each room, all written to standard output, with the room's name in front for eyes and as a field for machines. */
export function createLogRenderer({ level, format, colour }: LogRendererOptions): (room: string) => Logger {
  const made = new Map<string, Logger>()
  return (room) => {
    const known = made.get(room)
    if (known) return known
    const shown = format === 'pretty' ? `\u001b[${colours[room] ?? 37}m${room.padEnd(7)}\u001b[0m │` : room
    const log = createLogger({ service: shown, level, format, ...(colour ? {} : { write: writePlain }) })
    made.set(room, log)
    return log
  }
}

/**
 * The same for eyes: what a request was in a few words, without the ids and settings that a person does not read.
 * Machines, and whoever looks for a fault, get all of it.
 */
export function shortenEntry(said: LogEntry): LogEntry {
  const { settings: _, account, ...fields } = said.fields
  const owner = account === undefined || account === localAccount ? {} : { account }
  if (said.msg.startsWith('task ')) return { ...said, fields: { ...ofTask(fields), ...owner } }
  if (said.msg !== 'request') return { ...said, fields: { ...fields, ...owner } }
  const { method, path, status, requestId, ...rest } = fields
  const failed = typeof status === 'number' && status >= 400 ? { requestId } : {}
  return { ...said, msg: [method, path, status].join(' '), fields: { ...rest, ...owner, ...failed } }
}

/** Of a task the time it took as a whole, and why it failed, without the place in our code that says so. */
function ofTask(fields: Readonly<Record<string, unknown>>): Record<string, unknown> {
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
