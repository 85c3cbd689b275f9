import { mkdtempSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { Fault } from '@pixelflow/core/fault'
import { pause } from '@pixelflow/core/pause'
import { invalidMessage } from './invalid-message.ts'
import { readResidentBytes } from './read-resident-bytes.ts'
import type { StageTime } from './time-stage.ts'
import { createWorkWatch, type WorkLimits } from './work-watch.ts'
import { workerMessage, type WorkerMessage, type WorkRequest } from './worker-message.ts'

export interface WorkerOptions {
  /** Command line of the process. */
  readonly command: readonly string[]
  /** The whole environment of the process. */
  readonly env: Readonly<Record<string, string>>
  /** Folder in which the process gets a private working folder, which is removed with it. */
  readonly cwd: string
  /** Time until the process must report that it is ready, in milliseconds. */
  readonly startTimeoutMs: number
}

export interface WorkItem extends WorkLimits {
  readonly kind: string
  readonly input: unknown
  readonly onNote: (note: unknown) => void
  /** Kills the process when it aborts; the work then fails with its reason. */
  readonly signal: AbortSignal
}

/** How a work item ended. */
export type WorkResult =
  | { readonly status: 'done'; readonly cpuMs: number; readonly stages: readonly StageTime[] }
  /** The worker reported a fault. */
  | { readonly status: 'failed'; readonly fault: Fault; readonly stages: readonly StageTime[] }
  /** The actor killed the worker, for this reason. */
  | { readonly status: 'killed'; readonly fault: unknown }
  /** The worker died for another reason. `exit` is the signal or the exit code. */
  | { readonly status: 'died'; readonly exit: string; readonly stderr: string }

/** One warm worker process. */
export interface Worker {
  readonly pid: number
  /** Resolves when the process has exited. */
  readonly exited: Promise<void>
  readonly isAlive: boolean
  /** Number of work items that it has been given. */
  readonly served: number
  /** Runs one work item; never rejects. After `killed` or `died` the process has exited. */
  run(work: WorkItem): Promise<WorkResult>
  /** Whether it holds more memory; after short work this is looked at only every so many times. */
  hasGrownTo(bytes: number): Promise<boolean>
  kill(): Promise<void>
}

/** Reading the memory of a worker costs as much as a part of short work. */
const shortWorkMs = 8
const memoryCheckEvery = 16
/** Characters of stderr that are kept for the log. */
const maxStderrLength = 2000
/** How long stderr is read after the exit, in milliseconds: a process that left the group keeps the pipe open. */
const stderrTimeoutMs = 1000

/** Starts a process and waits until it is warm. @throws Error with the stderr of a process that does not get ready. */
export async function startWorker(options: WorkerOptions): Promise<Worker> {
  let onMessage: (message: WorkerMessage) => void = () => {}
  let onInvalid = () => {}
  let served = 0
  /** How long the last work ran. */
  let ranMs = 0
  let isAlive = true
  let stderr = ''
  const exited = Promise.withResolvers<void>()
  const home = mkdtempSync(join(options.cwd, 'worker-'))
  using unlessStarted = new DisposableStack()
  unlessStarted.defer(() => rmSync(home, { recursive: true, force: true }))

  const subprocess = Bun.spawn([...options.command], {
    cwd: home,
    env: { ...options.env, TMPDIR: home },
    // Leader of a process group, so that processes which it starts are killed with it.
    detached: true,
    stdin: 'ignore',
    stdout: 'ignore',
    stderr: 'pipe',
    serialization: 'json',
    ipc(received) {
      const { data } = workerMessage.safeParse(received)
      if (data) return onMessage(data)
      // A process that breaks the protocol may have been taken over by a hostile file.
      onInvalid()
      killGroup()
    },
    onExit() {
      isAlive = false
      watch.stop()
      killGroup()
      // Before anything learns of the exit: files of a killed worker must not remain.
      try {
        rmSync(home, { recursive: true, force: true })
      } catch {
        // A process of the group still writes there. The folder is removed with that of this actor.
      }
      exited.resolve()
    },
  })
  // From here on `onExit` removes the folder.
  unlessStarted.move()
  const watch = createWorkWatch(subprocess.pid)
  function killGroup(): void {
    try {
      process.kill(-subprocess.pid, 'SIGKILL')
    } catch {
      // The group has no process left.
    }
  }
  const reader = readText(subprocess.stderr, (text) => (stderr = (stderr + text).slice(-maxStderrLength)))
  /** Resolves when the process has exited and its stderr is read. */
  const finished = exited.promise.then(() => reader.stop(stderrTimeoutMs))
  const kill = async () => {
    killGroup()
    await exited.promise
  }
  const exitReason = () => String(subprocess.signalCode ?? `exit code ${subprocess.exitCode}`)

  const ready = Promise.withResolvers<boolean>()
  onMessage = () => ready.resolve(true)
  const timer = setTimeout(() => ready.resolve(false), options.startTimeoutMs)
  const isReady = await Promise.race([ready.promise, exited.promise.then(() => false)])
  clearTimeout(timer)
  if (!isReady) {
    const isLate = isAlive
    await kill()
    await finished
    throw new Error(
      isLate
        ? `The worker was not ready within ${options.startTimeoutMs} ms. ${stderr}`
        : `The worker ended with ${exitReason()} before it was ready. ${stderr}`,
    )
  }

  let isFinished = false
  let onFinished = () => {}
  void finished.then(() => {
    isFinished = true
    onFinished()
  })

  const run = async (work: WorkItem): Promise<WorkResult> => {
    served += 1
    const request: WorkRequest = { work: served, kind: work.kind, input: work.input }
    const settled = Promise.withResolvers<WorkResult>()
    let killed: { fault: unknown } | undefined
    const killFor = (fault: unknown) => {
      killed ??= { fault }
      killGroup()
    }
    const describeDeath = (): WorkResult =>
      killed === undefined
        ? { status: 'died', exit: exitReason(), stderr }
        : { status: 'killed', fault: killed.fault }

    onInvalid = () => killFor(invalidMessage())
    onMessage = (message) => {
      if (message.type === 'ready' || message.work !== request.work || killed !== undefined) return
      for (const note of message.notes) work.onNote(note)
      if (message.type === 'notes') return
      const { stages } = message
      if (message.type === 'done') settled.resolve({ status: 'done', cpuMs: message.cpuMs, stages })
      else settled.resolve({ status: 'failed', fault: reportedFault(message), stages })
    }
    onFinished = () => settled.resolve(describeDeath())
    const onAbort = () => killFor(work.signal.reason)
    work.signal.addEventListener('abort', onAbort, { once: true })
    using _ = watch.begin(work, killFor)

    if (isFinished) onFinished()
    else if (work.signal.aborted) onAbort()
    else if (isAlive) subprocess.send(request)
    const startedAt = performance.now()
    const result = await settled.promise
    ranMs = performance.now() - startedAt
    work.signal.removeEventListener('abort', onAbort)
    onMessage = () => {}
    onInvalid = () => {}
    if (killed === undefined) return result
    // The result may arrive after the kill was sent. The worker is then dying and must not be used again.
    await finished
    return describeDeath()
  }

  return {
    pid: subprocess.pid,
    exited: exited.promise,
    get isAlive() {
      return isAlive
    },
    get served() {
      return served
    },
    run,
    hasGrownTo: async (bytes) => {
      if (ranMs <= shortWorkMs && served % memoryCheckEvery !== 0) return false
      return (await readResidentBytes(subprocess.pid)) > bytes
    },
    kill,
  }
}

function reportedFault(message: Extract<WorkerMessage, { type: 'failed' }>): Fault {
  const { code, detail, ...hints } = message.report
  return new Fault(code, detail, { ...hints, cause: message.cause })
}

interface TextReader {
  /** Resolves when the stream has ended, or after `timeoutMs`. */
  stop(timeoutMs: number): Promise<void>
}

function readText(stream: ReadableStream<Uint8Array>, onText: (text: string) => void): TextReader {
  const decoder = new TextDecoder()
  const reader = stream.getReader()
  const read = async () => {
    for (let next = await reader.read(); !next.done; next = await reader.read())
      onText(decoder.decode(next.value, { stream: true }))
  }
  const ended = read()
  return {
    async stop(timeoutMs) {
      const over = new AbortController()
      await Promise.race([ended, pause(timeoutMs, over.signal)])
      over.abort()
      await reader.cancel()
    },
  }
}
