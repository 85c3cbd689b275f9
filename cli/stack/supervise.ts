import { backoffMs } from '@pixelflow/core/backoff'
import { pause } from '@pixelflow/core/pause'
import { InvalidSettings, type SettingProblem } from '@pixelflow/platform/config/read-settings'
import { invalidSettingsExitCode } from '@pixelflow/platform/run-service'
import type { Logger } from '@pixelflow/platform/telemetry/logger'
import type { Subprocess } from 'bun'
import { CliError } from '../cli-error.ts'
import { dieWithParent, type DieWithParentMethod } from './die-with-parent.ts'
import { formatReason, parseLogLine, type LogEntry } from './log-entry.ts'
import { readLines } from './read-lines.ts'

/** A program that runs while this process runs. */
export interface ServiceProgram {
  readonly service: string
  readonly command: readonly string[]
  readonly cwd: string
  readonly env: Readonly<Record<string, string | undefined>>
  /** Checks whether the program is ready. Without it, a log entry with the field `ready: true` means ready. */
  probe?(): Promise<boolean>
}

export interface SuperviseOptions {
  readonly dieWithParent: DieWithParentMethod
  readonly log: Logger
  /** Changes an entry before it is logged. */
  readonly present?: (entry: LogEntry) => LogEntry
  /** Pauses before a restart, in milliseconds: the first and the maximum. */
  readonly restartDelayMs?: readonly [first: number, max: number]
}

export interface SupervisedProcess {
  /**
   * Resolves with a log entry when the program is ready for the first time. Rejects with InvalidSettings when it reports
   * invalid settings, and with a CliError when it exits before it is ready, or is not ready in time.
   */
  readonly ready: Promise<LogEntry>
  /** Process id; undefined between two runs. */
  readonly pid: number | undefined
  /** Restarts the process with SIGTERM, and SIGKILL after `graceMs`. */
  restart(graceMs: number): void
  /** Stops the process with SIGTERM, and SIGKILL after `graceMs`. When this resolves, none of its descendants runs. */
  stop(graceMs: number): Promise<void>
  /** Stops the process with SIGKILL. */
  kill(): void
}

type Child = Subprocess<'ignore' | 'pipe', 'pipe', 'pipe'>

/** Time limit of the first start. */
const startTimeoutMs = 30_000
/** A process that ran for this long restarts with the shortest pause. */
const stableRunMs = 10_000
const maxLastLines = 40
/** Time to read the rest of the output; a process that escaped the group may hold the pipes open. */
const outputTimeoutMs = 1000
const probeEveryMs = 25

/** Starts a program, logs its output, and restarts it whenever it exits, until it is stopped. */
export function supervise(
  program: ServiceProgram,
  {
    dieWithParent: method,
    log,
    present = (entry) => entry,
    restartDelayMs = [100, 10_000],
  }: SuperviseOptions,
): SupervisedProcess {
  const ready = Promise.withResolvers<LogEntry>()
  // A rejection without a handler would end this process.
  ready.promise.catch(() => {})
  const stopping = new AbortController()
  let child: Child | undefined
  let wasReady = false

  const write = (entry: LogEntry) => {
    const { level, msg, fields } = present(entry)
    log[level](msg, fields)
  }
  const run = async () => {
    for (let failures = 0; !stopping.signal.aborted;) {
      const started = performance.now()
      const last: string[] = []
      // Errors before the first successful start are not logged, because the failure of the start contains them.
      const held: LogEntry[] = []
      const current = start(program, method)
      child = current
      const timer = setTimeout(() => reportSlowStart(last), startTimeoutMs)
      const becomeReady = (entry: LogEntry) => {
        clearTimeout(timer)
        held.splice(0).forEach(write)
        if (wasReady) log.info('process restarted', { pid: current.pid })
        wasReady = true
        ready.resolve(entry)
      }
      const output = readOutput(current, last, (entry) => {
        const isReady = program.probe === undefined && entry.fields['ready'] === true
        if (isReady) becomeReady(entry)
        if (wasReady || entry.level !== 'error') write(entry)
        else held.push(entry)
      })
      if (program.probe !== undefined) {
        void probeUntilReady(program.probe, current).then((isReady) => isReady && becomeReady(probed))
      }
      const exitCode = await current.exited
      clearTimeout(timer)
      // Also ends the descendants of the process.
      signalGroup(current, 'SIGKILL')
      await Promise.race([output, Bun.sleep(outputTimeoutMs)])
      const how = String(current.signalCode ?? `exit code ${exitCode}`)
      child = undefined
      if (stopping.signal.aborted) return
      if (!wasReady) {
        const problems = exitCode === invalidSettingsExitCode ? held.flatMap(problemsIn) : []
        ready.reject(
          problems.length > 0 ? new InvalidSettings(problems) : startError(program.service, how, last),
        )
        return
      }
      failures = performance.now() - started > stableRunMs ? 0 : failures + 1
      const [initialMs, maxMs] = restartDelayMs
      // Without jitter, because only one process restarts.
      const pauseMs = backoffMs(failures + 1, { initialMs, maxMs, random: () => 1 })
      log.error('process ended; restarting', { how, inMs: pauseMs })
      await pause(pauseMs, stopping.signal)
    }
  }
  const reportSlowStart = (last: string[]) => {
    if (wasReady) return log.error('process not ready', { afterMs: startTimeoutMs })
    ready.reject(startError(program.service, `not ready after ${startTimeoutMs / 1000} s`, last))
  }
  const ended = run()
  ended.catch(ready.reject)

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
        if (child) log.warn('process killed; it did not end in time', { afterMs: graceMs })
        if (child) signalGroup(child, 'SIGKILL')
      }, graceMs)
      await ended
      clearTimeout(timer)
    },
    kill() {
      stopping.abort()
      if (child) signalGroup(child, 'SIGKILL')
    },
  }
}

/** The entry of a program with a probe, whose log has no `ready` entry. */
const probed: LogEntry = { level: 'info', msg: 'ready', fields: {} }

async function probeUntilReady(probe: () => Promise<boolean>, child: Child): Promise<boolean> {
  while (child.exitCode === null && child.signalCode === null) {
    if (await probe()) return true
    await Bun.sleep(probeEveryMs)
  }
  return false
}

function start({ command, cwd, env }: ServiceProgram, method: DieWithParentMethod): Child {
  return Bun.spawn(dieWithParent(method, command), {
    cwd,
    env: { ...env },
    // Its own process group, so that Ctrl-C reaches only this process, and descendants can be killed with the program.
    detached: true,
    stdin: method === 'pipe' ? 'pipe' : 'ignore',
    stdout: 'pipe',
    stderr: 'pipe',
  })
}

async function readOutput(child: Child, last: string[], onEntry: (entry: LogEntry) => void): Promise<void> {
  const read = async (stream: ReadableStream<Uint8Array>) => {
    for await (const line of readLines(stream)) {
      if (line.trim() === '') continue
      const entry = parseLogLine(line)
      last.push(formatReason(entry))
      if (last.length > maxLastLines) last.shift()
      onEntry(entry)
    }
  }
  await Promise.all([read(child.stdout), read(child.stderr)])
}

function signalGroup(child: Child, signal: NodeJS.Signals): void {
  try {
    process.kill(-child.pid, signal)
  } catch {
    // The group is empty already.
  }
}

/** The invalid settings that an entry of `runService` reports. */
function problemsIn({ fields }: LogEntry): SettingProblem[] {
  const { problems } = fields as { problems?: readonly SettingProblem[] }
  return Array.isArray(problems) ? problems : []
}

function startError(service: string, how: string, last: readonly string[]): CliError {
  const tail = last.slice(-12).map((line) => `  ${line}`)
  return new CliError('failed', [`${service} did not start (${how}):`, ...tail].join('\n'), {
    remedy: 'Fix the error in the last lines and start again. PIXELFLOW_LOG_LEVEL=debug shows more.',
  })
}
