import { mkdtempSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { Fault } from '@pixelflow/core/fault'
import { pause } from '@pixelflow/core/pause'
import { invalidMessage } from './invalid-message.ts'
import { residentBytes, watchMemory } from './watch-memory.ts'
import { watchDescendants } from './watch-descendants.ts'
import { workerMessage, type WorkRequest, type WorkerMessage } from './worker-message.ts'
import { watchCpu } from './watch-cpu.ts'

export interface WorkerOptions {
  /** Command line of the child. */
  readonly command: readonly string[]
  /** The child's whole environment. */
  readonly env: Readonly<Record<string, string>>
  /** Where it gets a folder of its own, to work in and for what it puts aside; that goes away with it. */
  readonly cwd: string
  /** How long it may take until it says that it is ready, in milliseconds. */
  readonly startTimeoutMs: number
}

export interface WorkItem {
  readonly kind: string
  readonly input: unknown
  readonly onNote: (note: unknown) => void
  /** Kills the child when it aborts; its reason is what the work then fails with. */
  readonly signal: AbortSignal
  /** Wall-clock limit in milliseconds. */
  readonly timeLimitMs: number
  readonly maxRssBytes: number
  /** CPU time in milliseconds, over all the child's threads. */
  readonly maxCpuMs: number
}

/** How a piece of work ended. */
export type WorkResult =
  | { readonly end: 'done'; readonly cpuMs: number }
  /** The child said no. */
  | { readonly end: 'failed'; readonly fault: Fault }
  /** We killed the child, and why. */
  | { readonly end: 'killed'; readonly fault: unknown }
  /** The child ended without our doing. */
  | { readonly end: 'died'; readonly by: string; readonly words: string }

/** One warm child process. */
export interface Worker {
  readonly pid: number
  /** Resolves when the process is gone. */
  readonly gone: Promise<void>
  readonly alive: boolean
  /** Pieces of work it has been given. */
  readonly served: number
  /** Does one piece of work; never rejects. Killed or dead, the process is gone when this resolves. */
  run(work: WorkItem): Promise<WorkResult>
  residentBytes(): Promise<number>
  kill(): Promise<void>
}

/** Characters of a child's stderr that are kept for the log. */
const keptWords = 2000
/** How long after a child's end they may take, in milliseconds: whoever got away from its group holds the pipe open. */
const lastWordsMs = 1000

/** Starts a child and waits until it is warm. @throws Error that says what the child said when it does not get so far. */
export async function startWorker(options: WorkerOptions): Promise<Worker> {
  let hear: (said: WorkerMessage) => void = () => {}
  let stray = () => {}
  let served = 0
  let alive = true
  let words = ''
  const gone = Promise.withResolvers<void>()
  const home = mkdtempSync(join(options.cwd, 'child-'))
  using unless = new DisposableStack()
  unless.defer(() => rmSync(home, { recursive: true, force: true }))

  const child = Bun.spawn([...options.command], {
    cwd: home,
    env: { ...options.env, TMPDIR: home },
    // Leader of a group: whatever it has started against all rules ends with it.
    detached: true,
    stdin: 'ignore',
    stdout: 'ignore',
    stderr: 'pipe',
    serialization: 'advanced',
    ipc(message) {
      const said = workerMessage.safeParse(message)
      if (said.success) return hear(said.data)
      // A child that does not keep to the protocol is not one of ours any more.
      stray()
      end()
    },
    onExit() {
      alive = false
      end()
      // Before anybody hears of it: what a killed child has put aside must not stay.
      try {
        rmSync(home, { recursive: true, force: true })
      } catch {
        // Somebody of its group is still writing there; it goes with the folder of this process.
      }
      gone.resolve()
    },
  })
  // It has begun, and its folder goes when it does.
  unless.move()
  function end(): void {
    try {
      process.kill(-child.pid, 'SIGKILL')
    } catch {
      // Nobody is left of it.
    }
  }
  const listening = listen(child.stderr, (text) => (words = (words + text).slice(-keptWords)))
  /** Once it is gone and its last words are heard. */
  const silent = gone.promise.then(() => listening.stop(lastWordsMs))
  const kill = async () => {
    end()
    await gone.promise
  }
  const ended = () => String(child.signalCode ?? `exit code ${child.exitCode}`)

  const ready = Promise.withResolvers<boolean>()
  hear = () => ready.resolve(true)
  const patience = setTimeout(() => ready.resolve(false), options.startTimeoutMs)
  const isReady = await Promise.race([ready.promise, gone.promise.then(() => false)])
  clearTimeout(patience)
  if (!isReady) {
    const late = alive
    await kill()
    await silent
    throw new Error(
      late
        ? `The child was not ready within ${options.startTimeoutMs} ms. ${words}`
        : `The child ended with ${ended()} before it was ready. ${words}`,
    )
  }

  const run = async (work: WorkItem): Promise<WorkResult> => {
    served += 1
    const order: WorkRequest = { work: served, kind: work.kind, input: work.input }
    const settled = Promise.withResolvers<WorkResult>()
    let verdict: { fault: unknown } | undefined
    const execute = (fault: unknown) => {
      verdict ??= { fault }
      end()
    }

    stray = () => execute(invalidMessage())
    hear = (said) => {
      if (said.say === 'ready' || said.work !== order.work || verdict !== undefined) return
      if (said.say === 'note') work.onNote(said.note)
      else if (said.say === 'done') settled.resolve({ end: 'done', cpuMs: said.cpuMs })
      else settled.resolve({ end: 'failed', fault: reported(said) })
    }
    const onAbort = () => execute(work.signal.reason)
    work.signal.addEventListener('abort', onAbort, { once: true })
    const timer = setTimeout(() => execute(tooLong(work.timeLimitMs)), work.timeLimitMs)
    using _ = watchMemory(child.pid, work.maxRssBytes, () => execute(tooMuch(work.maxRssBytes)))
    using ___ = watchDescendants(child.pid, stray)
    using __ = watchCpu(child.pid, work.maxCpuMs, () => execute(tooBusy(work.maxCpuMs)))

    if (work.signal.aborted) onAbort()
    else if (alive) child.send(order)
    const died = silent.then((): WorkResult => {
      return verdict === undefined
        ? { end: 'died', by: ended(), words }
        : { end: 'killed', fault: verdict.fault }
    })
    const outcome = await Promise.race([settled.promise, died])
    clearTimeout(timer)
    work.signal.removeEventListener('abort', onAbort)
    hear = () => {}
    stray = () => {}
    // Sentence and answer may cross: the child is as good as dead then, and whoever waits for it must know.
    return verdict === undefined ? outcome : died
  }

  return {
    pid: child.pid,
    gone: gone.promise,
    get alive() {
      return alive
    },
    get served() {
      return served
    },
    run,
    residentBytes: () => residentBytes(child.pid),
    kill,
  }
}

function reported(said: Extract<WorkerMessage, { say: 'failed' }>): Fault {
  const { code, detail, ...hints } = said.report
  return new Fault(code, detail, { ...hints, cause: said.cause })
}

function tooLong(limitMs: number): Fault {
  return new Fault('deadline_exceeded', `Processing took longer than ${limitMs / 1000} s.`, {
    remedy: 'Use a smaller image, fewer or lighter steps, or a lower effort.',
  })
}

function tooBusy(maxMs: number): Fault {
  return new Fault('deadline_exceeded', `Processing took more than ${maxMs / 1000} s of processor time.`, {
    remedy: 'Use a smaller image, fewer or lighter steps, or a lower effort.',
  })
}

function tooMuch(maxBytes: number): Fault {
  const mebibytes = Math.round(maxBytes / 1024 / 1024)
  return new Fault('resource_limit_exceeded', `Processing needed more than ${mebibytes} MiB of memory.`, {
    remedy: 'Resize first, or use a smaller image.',
  })
}

interface Listening {
  /** Resolves when the stream has ended, after `withinMs` at the latest. */
  stop(withinMs: number): Promise<void>
}

function listen(stream: ReadableStream<Uint8Array>, heard: (text: string) => void): Listening {
  const decoder = new TextDecoder()
  const reader = stream.getReader()
  const read = async () => {
    for (let next = await reader.read(); !next.done; next = await reader.read())
      heard(decoder.decode(next.value, { stream: true }))
  }
  const ended = read()
  return {
    async stop(withinMs) {
      const over = new AbortController()
      await Promise.race([ended, pause(withinMs, over.signal)])
      over.abort()
      await reader.cancel()
    },
  }
}
