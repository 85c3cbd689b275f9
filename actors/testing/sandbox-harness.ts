import { readdirSync, readFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createByteBudget } from '@pixelflow/core/byte-budget'
import { Fault, type FaultCode } from '@pixelflow/core/fault'
import type { FormatId } from '@pixelflow/core/format'
import { outputNames, parseRecipe } from '@pixelflow/core/recipe/recipe'
import sharp from 'sharp'
import {
  maxMessageFileBytes,
  type WorkerSource,
  type TransformInput,
} from '../kinds/transform/transform-input.ts'
import { openSandbox, type Sandbox, type SandboxHooks } from '../sandbox/sandbox.ts'
import { createSandboxOptions, workerLauncherFor, type WorkerSettings } from '../sandbox/sandbox-options.ts'
import { openScratch } from '../sandbox/scratch.ts'
import { readNotedOutput } from './read-noted-output.ts'
import { readCpuMs } from '../sandbox/read-cpu-ms.ts'

/** How the work on one file ended, and what the worker used, measured from outside. */
export interface MeasuredRun {
  readonly code: FaultCode | 'image'
  readonly fault?: Fault
  readonly ms: number
  /** CPU time of all threads of the worker, in milliseconds with a resolution of 10. */
  readonly cpuMs: number
  /** The most memory that the worker has held since its start (VmHWM), in bytes. */
  readonly peakBytes: number
}

export interface SandboxHarness extends AsyncDisposable {
  readonly settings: WorkerSettings
  /** Transforms a file in the next free worker. Rejects only when the test itself is wrong. */
  run(bytes: Uint8Array, format: FormatId, recipe?: unknown): Promise<MeasuredRun>
  /** Process ids of the living workers. */
  readonly pids: readonly number[]
  /** What the sandbox reported to operators, one line each. */
  readonly events: readonly string[]
  /** The workers that died without being killed at a limit, one line each. */
  readonly crashes: readonly string[]
  /** Files and folders in scratch space now, except the empty folders of the workers. */
  leftovers(): string[]
}

/** Short, so that little is missed of a worker that is killed. A worker that lives is also measured at the end. */
const pollEveryMs = 5

/**
 * Workers with the options of a shipped actor and given limits, each measured from outside.
 * @param concurrency number of workers
 */
export async function openSandboxHarness(settings: WorkerSettings, concurrency = 2): Promise<SandboxHarness> {
  await using scope = new AsyncDisposableStack()
  const home = await mkdtemp(join(tmpdir(), 'pixelflow-sandbox-harness-'))
  scope.defer(() => rm(home, { recursive: true, force: true }))
  const scratch = scope.use(await openScratch(home))
  const launcher = workerLauncherFor(settings)
  const memory = createByteBudget(settings.workerMemoryBytes)
  const events: string[] = []
  const crashes: string[] = []
  const hooks: SandboxHooks = {
    onWorkerLost({ reason, stderr, code }) {
      events.push(`lost: ${reason} ${stderr}`.trim())
      if (code === undefined) crashes.push(`${reason} ${stderr}`.trim())
    },
    onCircuitOpen: () => events.push('circuit open'),
    onPreempted: () => events.push('preempted'),
    onStartFailed: ({ reason }) => events.push(`start failed: ${reason}`),
  }
  // One sandbox per worker, so that the test knows which worker runs which file.
  const options = createSandboxOptions(settings, launcher, scratch.large, hooks)
  const sandboxes = Array.from({ length: concurrency }, () =>
    scope.use(openSandbox({ ...options, memory, workers: 1 })),
  )
  await Promise.all(sandboxes.map((sandbox) => sandbox.ready(AbortSignal.timeout(30_000))))
  const free = [...sandboxes]
  const waiting: (() => void)[] = []
  const owned = scope.move()

  return {
    settings,
    events,
    crashes,
    get pids() {
      return sandboxes.flatMap(({ pids }) => pids)
    },
    leftovers: () =>
      readdirSync(scratch.large, { recursive: true })
        .map(String)
        .filter((path) => !/^worker-\w+$/.test(path)),
    async run(bytes, format, recipeText = 'resize:24/format:png') {
      while (free.length === 0) await new Promise<void>((resolve) => waiting.push(resolve))
      const sandbox = free.pop() as Sandbox
      try {
        await sandbox.ready(AbortSignal.timeout(30_000))
        await using folder = await scratch.folder(bytes.length)
        const recipe = parseRecipe(recipeText)
        const outputs = outputNames(recipe)
        const source = await workerSourceOf(bytes, folder.path)
        const { maxPixels } = settings
        const input: TransformInput = {
          source,
          format,
          recipe,
          outputs,
          folder: folder.path,
          // Covers both code paths with every kind of file.
          shortStageMs: bytes.length % 2 === 0 ? 0 : null,
          maxPixels,
        }
        return await measure(sandbox.pids[0] ?? 0, async () => {
          const { signal } = new AbortController()
          const notes: unknown[] = []
          const onNote = (note: unknown) => notes.push(note)
          const work = { kind: 'transform', account: 'ann', input, signal, onNote, memoryEstimateBytes: 1 }
          await sandbox.run(work)
          // Our own encoder has written the outputs, so they must be readable.
          for (const i of outputs.keys()) await sharp(await readNotedOutput(folder.path, i, notes)).metadata()
        })
      } finally {
        free.push(sandbox)
        waiting.shift()?.()
      }
    },
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  }
}

/** As the actor does it: small files as bytes. Every third of them as a file too, so that both ways are covered. */
async function workerSourceOf(bytes: Uint8Array, folder: string): Promise<WorkerSource> {
  if (bytes.length <= maxMessageFileBytes && bytes.length % 3 !== 0)
    return { base64: Buffer.from(bytes).toString('base64') }
  const path = join(folder, 'source')
  await Bun.write(path, bytes)
  return { path }
}

/** Measures a process while it works. */
async function measure(pid: number, work: () => Promise<void>): Promise<MeasuredRun> {
  const cpuBefore = readCpuMs(pid)
  let cpuMs = 0
  let peakBytes = 0
  const poll = () => {
    cpuMs = Math.max(cpuMs, readCpuMs(pid) - cpuBefore)
    peakBytes = Math.max(peakBytes, readPeakBytes(pid))
  }
  const timer = setInterval(poll, pollEveryMs)
  const startedAt = performance.now()
  const ended = await work().then(
    () => ({ code: 'image' as const }),
    (thrown: unknown) => {
      if (!(thrown instanceof Fault)) throw thrown
      return { code: thrown.code, fault: thrown }
    },
  )
  const ms = performance.now() - startedAt
  clearInterval(timer)
  poll()
  return { ...ended, ms, cpuMs, peakBytes }
}

function readPeakBytes(pid: number): number {
  try {
    const status = readFileSync(`/proc/${pid}/status`, 'latin1')
    return Number(/^VmHWM:\s+(\d+) kB$/m.exec(status)?.[1] ?? 0) * 1024
  } catch {
    return 0
  }
}
