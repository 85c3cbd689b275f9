import { pause } from '@pixelflow/core/pause'
import { wrongSettingsExitCode } from '@pixelflow/platform/run-service'
import type { Logger } from '@pixelflow/platform/telemetry/logger'
import type { Subprocess } from 'bun'
import { CliError } from '../cli-error.ts'
import { dieWithParent, type DieWithParentMethod } from './die-with-parent.ts'
import { readLines } from './read-lines.ts'
import { formatReason, parseLogLine, type LogEntry } from './log-renderer.ts'

/** A program that is to run for as long as we do. */
export interface ServiceProgram {
  readonly room: string
  readonly command: readonly string[]
  readonly cwd: string
  readonly env: Readonly<Record<string, string | undefined>>
  /** Whether what it said means that it serves now. */
  isReady(said: LogEntry): boolean
}

export interface SuperviseOptions {
  readonly leash: DieWithParentMethod
  readonly log: Logger
  /** Writes what it says in another way than it stands in the log. */
  readonly present?: (said: LogEntry) => LogEntry
  /** Pauses before it is started again, in milliseconds: the first, and the longest. */
  readonly backoffMs?: readonly [first: number, longest: number]
}

export interface SupervisedProcess {
  /**
   * What it said when it first became ready.
   * @throws CliError `failed`, through the promise, when it ended before, or was not ready in time.
   */
  readonly ready: Promise<LogEntry>
  /** Process id of the current one; undefined between two. */
  readonly pid: number | undefined
  /** Has the current one end, at the latest after `graceMs`, and starts it again. */
  restart(graceMs: number): void
  /** Asks it to end, and makes it end after `graceMs`. Nothing of it is left when this resolves. */
  stop(graceMs: number): Promise<void>
  /** Ends it at once. */
  kill(): void
}

type Child = Subprocess<'ignore' | 'pipe', 'pipe', 'pipe'>

/** A start may take this long until it is called failed. */
const slowestStartMs = 30_000
/** Whoever ran for this long is started again without the pauses of its earlier ends. */
const ranWellMs = 10_000
const keptLines = 40
/** For what still stands in the pipes; somebody out of our reach may hold them open. */
const lastWordsMs = 1000

/** Starts a program, writes what it says into the log, and starts it again whenever it ends, until it is stopped. */
export function supervise(
  program: ServiceProgram,
  { leash, log, present = (said) => said, backoffMs = [100, 10_000] }: SuperviseOptions,
): SupervisedProcess {
  const ready = Promise.withResolvers<LogEntry>()
  // Whoever awaits it hears of it; one that nobody awaits any more must not end the process.
  ready.promise.catch(() => {})
  const stopping = new AbortController()
  let child: Child | undefined
  let wasReady = false

  const life = async () => {
    for (let failures = 0; !stopping.signal.aborted;) {
      const started = performance.now()
      const last: string[] = []
      child = start(program, leash)
      const timer = setTimeout(() => slow(last), slowestStartMs)
      const write = (said: LogEntry) => {
        const { level, msg, fields } = present(said)
        log[level](msg, fields)
      }
      // Until the first start has succeeded, errors are kept: they become the reason why it failed, which is
      // printed once.
      const kept: LogEntry[] = []
      const heard = hear(child, last, (said) => {
        const isReady = program.isReady(said)
        if (isReady) kept.splice(0).forEach(write)
        if (!isReady && !wasReady && said.level === 'error') kept.push(said)
        else write(said)
        if (!isReady) return
        clearTimeout(timer)
        if (wasReady) log.info('is back', { pid: child?.pid })
        wasReady = true
        ready.resolve(said)
      })
      await child.exited
      clearTimeout(timer)
      // Whatever it has started goes with it.
      signalGroup(child, 'SIGKILL')
      await Promise.race([heard, Bun.sleep(lastWordsMs)])
      const how = String(child.signalCode ?? `exit code ${child.exitCode}`)
      const { exitCode } = child
      child = undefined
      if (stopping.signal.aborted) return
      if (!wasReady) {
        ready.reject(neverReady(program.room, how, last, exitCode === wrongSettingsExitCode))
        return
      }
      failures = performance.now() - started > ranWellMs ? 0 : failures + 1
      const pauseMs = Math.min(backoffMs[0] * 2 ** failures, backoffMs[1])
      log.error('ended; it is started again', { how, inMs: pauseMs })
      await pause(pauseMs, stopping.signal)
    }
  }
  const slow = (last: string[]) => {
    if (wasReady) return log.error('is not ready again yet', { afterMs: slowestStartMs })
    ready.reject(neverReady(program.room, `not ready after ${slowestStartMs / 1000} s`, last))
  }
  const over = life()
  over.catch(ready.reject)

  return {
    ready: ready.promise,
    get pid() {
      return child?.pid
    },
    restart(graceMs) {
      const current = child
      if (!current || stopping.signal.aborted) return
      current.kill('SIGTERM')
      const timer = setTimeout(() => signalGroup(current, 'SIGKILL'), graceMs)
      void current.exited.finally(() => clearTimeout(timer))
    },
    async stop(graceMs) {
      stopping.abort()
      child?.kill('SIGTERM')
      const timer = setTimeout(() => {
        if (child) log.warn('has not ended in time and is killed', { afterMs: graceMs })
        if (child) signalGroup(child, 'SIGKILL')
      }, graceMs)
      await over
      clearTimeout(timer)
    },
    kill() {
      stopping.abort()
      if (child) signalGroup(child, 'SIGKILL')
    },
  }
}

function start({ command, cwd, env }: ServiceProgram, leash: DieWithParentMethod): Child {
  return Bun.spawn(dieWithParent(leash, command), {
    cwd,
    env: { ...env },
    // Its own group: Ctrl-C reaches us alone, and its descendants can be ended with it.
    detached: true,
    stdin: leash === 'pipe' ? 'pipe' : 'ignore',
    stdout: 'pipe',
    stderr: 'pipe',
  })
}

async function hear(child: Child, last: string[], heard: (said: LogEntry) => void): Promise<void> {
  const listen = async (stream: ReadableStream<Uint8Array>) => {
    for await (const line of readLines(stream)) {
      if (line.trim() === '') continue
      const said = parseLogLine(line)
      last.push(formatReason(said))
      if (last.length > keptLines) last.shift()
      heard(said)
    }
  }
  await Promise.all([listen(child.stdout), listen(child.stderr)])
}

function signalGroup(child: Child, signal: NodeJS.Signals): void {
  try {
    process.kill(-child.pid, signal)
  } catch {
    // The group is empty: that is what was wanted.
  }
}

function neverReady(room: string, how: string, last: readonly string[], isSettings = false): CliError {
  const tail = last.slice(-12).map((line) => `  ${line}`)
  return new CliError(
    isSettings ? 'usage' : 'failed',
    [`${room} did not start (${how}):`, ...tail].join('\n'),
    {
      remedy: isSettings
        ? 'Correct the setting; docs/configuration.md lists all settings.'
        : 'Correct what the last lines name and start again; PIXELFLOW_LOG_LEVEL=debug shows more.',
    },
  )
}
