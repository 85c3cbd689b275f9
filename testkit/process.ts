import type { Subprocess } from 'bun'
import { readFileSync } from 'node:fs'
import { waitFor } from './wait-for.ts'

/** A running process of the system under test, whose output is kept. */
export interface RunningProcess extends AsyncDisposable {
  readonly pid: number
  /** Every line that it has written so far to stdout or stderr. */
  readonly lines: readonly string[]
  /** The first accepted line, past or future. Rejects when the process exits before, or after `timeoutMs`. */
  line(accept: (line: string) => boolean, timeoutMs?: number): Promise<string>
  signal(name: NodeJS.Signals): void
  /** The exit code; 128 + its number for a signal, as in a shell. */
  readonly exited: Promise<number>
}

export interface LaunchOptions {
  readonly command: readonly string[]
  readonly env?: Readonly<Record<string, string | undefined>>
  readonly cwd?: string
}

/**
 * Starts a process and reads its output. Disposing sends SIGTERM, and SIGKILL after 12 s. Its environment is that of this
 * process without PIXELFLOW_ and NATS_ variables, with `env` added.
 */
export function launch({ command, env = {}, cwd }: LaunchOptions): RunningProcess {
  const child = Bun.spawn([...command], {
    env: { ...plainEnvironment(), ...env },
    ...(cwd === undefined ? {} : { cwd }),
    stdin: 'ignore',
    stdout: 'pipe',
    stderr: 'pipe',
  })
  const lines: string[] = []
  const listeners = new Set<() => void>()
  let isClosed = false
  const onLine = (line: string) => {
    lines.push(line)
    for (const wake of listeners) wake()
  }
  const drained = Promise.all([eachLine(child.stdout, onLine), eachLine(child.stderr, onLine)]).then(() => {
    isClosed = true
    for (const wake of listeners) wake()
  })

  return {
    pid: child.pid,
    lines,
    exited: child.exited,
    signal: (name) => child.kill(name),
    line: (accept, timeoutMs = 30_000) =>
      new Promise((resolve, reject) => {
        let seen = 0
        const timer = setTimeout(
          () => finish(reject, `did not write the expected line within ${timeoutMs} ms`),
          timeoutMs,
        )
        const finish = (end: (error: Error) => void, reason: string) => {
          listeners.delete(readLines)
          clearTimeout(timer)
          end(new Error(`${command.join(' ')} ${reason}:\n${lines.slice(-30).join('\n')}`))
        }
        const readLines = () => {
          for (; seen < lines.length; seen += 1) {
            const line = lines[seen] ?? ''
            if (!accept(line)) continue
            listeners.delete(readLines)
            clearTimeout(timer)
            resolve(line)
            return
          }
          if (isClosed) finish(reject, 'exited before it wrote the expected line')
        }
        listeners.add(readLines)
        readLines()
      }),
    async [Symbol.asyncDispose]() {
      await terminate(child)
      await drained
    },
  }
}

async function terminate(child: Subprocess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  child.kill('SIGTERM')
  const timer = setTimeout(() => child.kill('SIGKILL'), 12_000)
  await child.exited
  clearTimeout(timer)
}

async function eachLine(stream: ReadableStream<Uint8Array>, onLine: (line: string) => void): Promise<void> {
  let rest = ''
  const decoder = new TextDecoder()
  for await (const chunk of stream) {
    const parts = (rest + decoder.decode(chunk, { stream: true })).split('\n')
    rest = parts.pop() ?? ''
    for (const part of parts) onLine(part)
  }
  if (rest !== '') onLine(rest)
}

function plainEnvironment(): Record<string, string> {
  const kept = Object.entries(process.env).filter(
    ([name, value]) =>
      value !== undefined && !/^(PIXELFLOW_(?!NATS_SERVER|CACHE_DIR|CHROMIUM)|NATS_URL)/.test(name),
  )
  return Object.fromEntries(kept) as Record<string, string>
}

/** Accepts a structured log line with this message. */
export function hasMessage(message: string): (line: string) => boolean {
  return (line) => {
    if (!line.startsWith('{')) return false
    try {
      return (JSON.parse(line) as { msg?: unknown }).msg === message
    } catch {
      return false
    }
  }
}

/** Whether a process is running; a zombie is not. */
export function isRunning(pid: number): boolean {
  try {
    return !/\) [ZX]/.test(readFileSync(`/proc/${pid}/stat`, 'latin1'))
  } catch {
    return false
  }
}

/** Waits until none of these processes is running. */
export async function waitForExit(pids: readonly number[], timeoutMs = 5000): Promise<void> {
  await waitFor(
    'processes exited',
    () => pids.filter(isRunning),
    (left) => left.length === 0,
    { timeoutMs },
  )
}

/** Resident memory of a process in bytes, from /proc; 0 after its exit. */
export const residentBytes = (pid: number) => memoryOf(pid, 'VmRSS')

/** The peak resident memory of a process in bytes; 0 after its exit. */
export const peakBytes = (pid: number) => memoryOf(pid, 'VmHWM')

async function memoryOf(pid: number, what: 'VmRSS' | 'VmHWM'): Promise<number> {
  const status = await Bun.file(`/proc/${pid}/status`)
    .text()
    .catch(() => '')
  return Number(new RegExp(`^${what}:\\s+(\\d+) kB$`, 'm').exec(status)?.[1] ?? 0) * 1024
}

/** Direct children of a process, by pid. */
export async function childrenOf(pid: number): Promise<number[]> {
  const text = await Bun.file(`/proc/${pid}/task/${pid}/children`)
    .text()
    .catch(() => '')
  return text.trim().split(/\s+/).filter(Boolean).map(Number)
}
