import { join } from 'node:path'
import { launch, type Running } from '@pixelflow/testkit/process'

/**
 * - `stalled`: unfinished requests of one account: forms, JSON, messages, uploads.
 * - `refused`: the same without a token: native gRPC, Connect, gRPC-Web and JSON.
 * - `frames`: HTTP/2 control frames.
 * - `keys`: whole JSON bodies of 3.8 MB with 430,000 unknown keys, without a token.
 * - `work`: slow drawings by calls that wait for the picture, and heavy interactive tasks, of the same account.
 */
export const floodKinds = ['stalled', 'refused', 'frames', 'keys', 'work'] as const
export type FloodKind = (typeof floodKinds)[number]

/** What one process is to flood. */
export interface FloodConfig {
  readonly kind: FloodKind
  /** E.g. `http://127.0.0.1:3000`. */
  readonly url: string
  /** Where native gRPC is spoken, as `host:port`. */
  readonly grpcAddress: string
  /** Token of the account that floods. */
  readonly token: string
  /** After so long it stops by itself. */
  readonly seconds: number
}

export interface FloodProcessesOptions extends Omit<FloodConfig, 'kind'> {
  readonly kinds?: readonly FloodKind[]
  /** Whether the scheduler prefers every other process, which shows what their own use of the CPU does. */
  readonly isNice?: boolean
}

/** All floods together, each kind in a process of its own. Only tests and benchmarks use this. */
export interface FloodProcesses extends AsyncDisposable {
  /** By kind. */
  readonly pids: Readonly<Record<string, number>>
  /** How floods have ended so far, each once, e.g. `PING: GOAWAY 11`. */
  readonly met: readonly string[]
  /** Ends them; returns how often each flood has ended in each of these ways. @throws Error when one has ended before. */
  stop(): Promise<Record<string, number>>
}

/** Resolves once every kind has begun. */
export async function startFloodProcesses({
  kinds = floodKinds,
  isNice = false,
  ...order
}: FloodProcessesOptions): Promise<FloodProcesses> {
  await using scope = new AsyncDisposableStack()
  const program = [process.execPath, join(import.meta.dir, 'flood-program.ts')]
  const command = isNice ? ['nice', '-n', '19', ...program] : program
  const started = kinds.map((kind) => ({
    kind,
    running: scope.use(launch({ command: [...command, JSON.stringify({ ...order, kind })] })),
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
      if (early.length > 0) throw new Error(`${early.join(', ')} ended too early.`)
      // One that was too busy to end in time was killed, and has no report.
      const reports = started.map(({ running }) => reportOf(running) ?? {})
      return Object.assign({}, ...reports) as Record<string, number>
    },
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  }
}

function reportOf({ lines }: Running): Record<string, number> | undefined {
  const line = lines.findLast((one) => one.startsWith('{"sent":'))
  return line === undefined ? undefined : (JSON.parse(line) as { sent: Record<string, number> }).sent
}
