import { join } from 'node:path'
import { launch, type RunningProcess } from '@pixelflow/testkit/process'

/**
 * - `stalled`: incomplete requests of one account: forms, JSON, messages, uploads.
 * - `refused`: incomplete requests without a token: native gRPC, Connect, gRPC-Web and JSON.
 * - `frames`: HTTP/2 control frames.
 * - `keys`: complete JSON bodies of 3.8 MB with 430,000 unknown keys, without a token.
 * - `work`: synchronous calls and interactive tasks of one account that process slow SVG images.
 */
export const floodKinds = ['stalled', 'refused', 'frames', 'keys', 'work'] as const
export type FloodKind = (typeof floodKinds)[number]

/** The flood of one process. */
export interface FloodConfig {
  readonly kind: FloodKind
  /** E.g. `http://127.0.0.1:3000`. */
  readonly url: string
  /** Address of the gRPC port, as `host:port`. */
  readonly grpcAddress: string
  /** Token of the flooding account. */
  readonly token: string
  /** The process stops after this time. */
  readonly seconds: number
}

export interface FloodProcessesOptions extends Omit<FloodConfig, 'kind'> {
  readonly kinds?: readonly FloodKind[]
  /** Whether the processes run with the lowest CPU priority, to measure without their own CPU use. */
  readonly isNice?: boolean
}

/** Several floods at once, each kind in its own process. */
export interface FloodProcesses extends AsyncDisposable {
  /** Process ids by kind. */
  readonly pids: Readonly<Record<string, number>>
  /** The distinct ends of floods so far, e.g. `PING: GOAWAY 11`. */
  readonly met: readonly string[]
  /** Stops the floods; returns the number of each end. @throws Error when a process had already ended. */
  stop(): Promise<Record<string, number>>
}

/** Resolves when every kind has started. */
export async function startFloodProcesses({
  kinds = floodKinds,
  isNice = false,
  ...config
}: FloodProcessesOptions): Promise<FloodProcesses> {
  await using scope = new AsyncDisposableStack()
  const program = [process.execPath, join(import.meta.dir, 'flood-program.ts')]
  const command = isNice ? ['nice', '-n', '19', ...program] : program
  const started = kinds.map((kind) => ({
    kind,
    running: scope.use(launch({ command: [...command, JSON.stringify({ ...config, kind })] })),
  }))
  await Promise.all(started.map(({ running }) => running.line((line) => line === 'flooding', 60_000)))
  const ended = new Set<FloodKind>()
  for (const { kind, running } of started) void running.exited.then(() => ended.add(kind))
  const owned = scope.move()
  return {
    pids: Object.fromEntries(started.map(({ kind, running }) => [kind, running.pid])),
    get met() {
      const lines = started.flatMap(({ running }) => running.lines.filter((line) => line.startsWith('met ')))
      return lines.map((line) => line.slice('met '.length))
    },
    async stop() {
      const early = [...ended]
      await owned.disposeAsync()
      if (early.length > 0)
        throw new Error(`The flood processes ${early.join(', ')} ended before they were stopped.`)
      // A process that was too busy to stop in time was killed and has no report.
      const reports = started.map(({ running }) => reportOf(running) ?? {})
      return Object.assign({}, ...reports) as Record<string, number>
    },
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  }
}

function reportOf({ lines }: RunningProcess): Record<string, number> | undefined {
  const line = lines.findLast((one) => one.startsWith('{"sent":'))
  return line === undefined ? undefined : (JSON.parse(line) as { sent: Record<string, number> }).sent
}
