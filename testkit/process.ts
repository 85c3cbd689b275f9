import type { Subprocess } from 'bun'
import { readFileSync } from 'node:fs'
import { waitFor } from './wait-for.ts'

/** A process of the system under test: its own entry point, its own environment, its log lines kept. */
export interface Running extends AsyncDisposable {
  readonly pid: number
  /** Every line it has written so far, stdout and stderr together. */
  readonly lines: readonly string[]
  /** Resolves with the first line, past or coming, that the test accepts; rejects when the process ends before. */
  line(accept: (line: string) => boolean, timeoutMs?: number): Promise<string>
  signal(name: NodeJS.Signals): void
  /** Exit code, once it has ended; a signal counts as 128 + its number, as in a shell. */
  readonly exited: Promise<number>
}

export interface Launch {
  readonly command: readonly string[]
  readonly env?: Readonly<Record<string, string | undefined>>
  readonly cwd?: string
}

/**
 * Starts a process and follows what it writes. Disposing sends SIGTERM, and SIGKILL when that takes longer than 12 s.
 * Its environment is ours with `env` on top, less every PIXELFLOW_ and NATS_ variable of the person who runs the tests.
 */
export function launch({ command, env = {}, cwd }: Launch): Running {
  const child = Bun.spawn([...command], {
    env: { ...plainEnvironment(), ...env },
    ...(cwd === undefined ? {} : { cwd }),
    stdin: 'ignore',
    stdout: 'pipe',
    stderr: 'pipe',
  })
  const lines: string[] = []
  const listeners = new Set<() => void>()
  let over = false
  const keep = (line: string) => {
    lines.push(line)
    for (const wake of listeners) wake()
  }
  const drained = Promise.all([eachLine(child.stdout, keep), eachLine(child.stderr, keep)]).then(() => {
    over = true
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
        const timer = setTimeout(() => finish(reject, 'did not write the awaited line in time'), timeoutMs)
        const finish = (end: (error: Error) => void, why: string) => {
          listeners.delete(look)
          clearTimeout(timer)
          end(new Error(`${command.join(' ')} ${why}:\n${lines.slice(-30).join('\n')}`))
        }
        const look = () => {
          for (; seen < lines.length; seen += 1) {
            const line = lines[seen] ?? ''
            if (!accept(line)) continue
            listeners.delete(look)
            clearTimeout(timer)
            resolve(line)
            return
          }
          if (over) finish(reject, 'ended before it wrote the awaited line')
        }
        listeners.add(look)
        look()
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

async function eachLine(stream: ReadableStream<Uint8Array>, keep: (line: string) => void): Promise<void> {
  let rest = ''
  const decoder = new TextDecoder()
  for await (const chunk of stream) {
    const parts = (rest + decoder.decode(chunk, { stream: true })).split('\n')
    rest = parts.pop() ?? ''
    for (const part of parts) keep(part)
  }
  if (rest !== '') keep(rest)
}

function plainEnvironment(): Record<string, string> {
  const ours = Object.entries(process.env).filter(
    ([name, value]) =>
      value !== undefined && !/^(PIXELFLOW_(?!NATS_SERVER|CACHE_DIR|CHROMIUM)|NATS_URL)/.test(name),
  )
  return Object.fromEntries(ours) as Record<string, string>
}

/** True when the line is a structured log line with that message. */
export function says(message: string): (line: string) => boolean {
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

/** Resident memory of a process in bytes, from /proc; 0 once it is gone. */
export const residentBytes = (pid: number) => memoryOf(pid, 'VmRSS')

/** The most resident memory that a process has ever held, in bytes; 0 once it is gone. */
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
