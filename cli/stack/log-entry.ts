import { levels, type Level } from '@pixelflow/platform/telemetry/logger'

/** A line of output: of our structured log, of nats-server's log, or of a crash. */
export interface LogEntry {
  readonly level: Level
  readonly msg: string
  readonly fields: Readonly<Record<string, unknown>>
}

const natsLevels: Readonly<Record<string, Level>> = {
  TRC: 'debug',
  DBG: 'debug',
  // nats-server logs a page of lines at each start and stop; `up` logs what matters of them itself.
  INF: 'debug',
  WRN: 'warn',
  ERR: 'error',
  FTL: 'error',
}

/** Parses a line of any of the processes; an unknown form counts as an error, as runtimes print them. */
export function parseLogLine(line: string): LogEntry {
  if (line.startsWith('{')) {
    try {
      const { time: _, service: __, level, msg, ...fields } = JSON.parse(line) as Record<string, unknown>
      if (typeof msg === 'string') return { level: levelOf(level), msg, fields }
    } catch {
      // Not JSON: kept as text.
    }
  }
  const nats = /^\[\d+\] \S+ \S+ \[([A-Z]{3})\] (.*)$/.exec(line)
  if (nats) return { level: natsLevels[nats[1] ?? ''] ?? 'info', msg: nats[2] ?? '', fields: {} }
  return { level: 'error', msg: line, fields: {} }
}

/** The message with the reasons in its fields, for an error that quotes it. */
export function formatReason({ msg, fields }: LogEntry): string {
  const { problems, error } = fields as { problems?: unknown; error?: { message?: unknown } }
  const reasons = Array.isArray(problems) ? problems : [error?.message]
  return [msg, ...reasons.filter((reason) => typeof reason === 'string')].join(': ')
}

function levelOf(value: unknown): Level {
  return levels.find((level) => level === value) ?? 'info'
}
