import { levels, type Level } from '@pixelflow/platform/telemetry/logger'

/** A line of output: a structured log entry, a line of nats-server's log, or any other text. */
export interface LogEntry {
  readonly level: Level
  readonly msg: string
  readonly fields: Readonly<Record<string, unknown>>
}

const natsLevels: Readonly<Record<string, Level>> = {
  TRC: 'debug',
  DBG: 'debug',
  // nats-server logs many lines at each start and stop; `up` logs the important ones.
  INF: 'debug',
  WRN: 'warn',
  ERR: 'error',
  FTL: 'error',
}

/** Parses a line of output. Text that is not a log entry has the level `error`, because runtimes print crashes like that. */
export function parseLogLine(line: string): LogEntry {
  if (line.startsWith('{')) {
    try {
      const { time: _, service: __, level, msg, ...fields } = JSON.parse(line) as Record<string, unknown>
      if (typeof msg === 'string') return { level: levelOf(level), msg, fields }
    } catch {
      // Not JSON: treated as text.
    }
  }
  const nats = /^\[\d+\] \S+ \S+ \[([A-Z]{3})\] (.*)$/.exec(line)
  if (nats) return { level: natsLevels[nats[1] ?? ''] ?? 'info', msg: nats[2] ?? '', fields: {} }
  return { level: 'error', msg: line, fields: {} }
}

/** The message and the reason of an entry, for an error message. */
export function formatReason({ msg, fields }: LogEntry): string {
  const { error } = fields as { error?: { message?: unknown } }
  return typeof error?.message === 'string' ? `${msg}: ${error.message}` : msg
}

function levelOf(value: unknown): Level {
  return levels.find((level) => level === value) ?? 'info'
}
