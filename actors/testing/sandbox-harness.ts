import { readdirSync, readFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Fault, type FaultCode } from '@pixelflow/core/fault'
import type { FormatId } from '@pixelflow/core/format'
import { outputNames, parseRecipe } from '@pixelflow/core/recipe/recipe'
import { createByteBudget } from '@pixelflow/core/byte-budget'
import sharp from 'sharp'
import { outputPath, type TransformInput } from '../kinds/transform/transform-input.ts'
import { openSandbox, type Sandbox } from '../sandbox/sandbox.ts'
import { openScratch } from '../sandbox/scratch.ts'
import { workerLauncherFor, sandboxOptions, type WorkerSettings } from '../sandbox/sandbox-options.ts'
import { readCpuMs } from '../sandbox/watch-cpu.ts'

/** How one file ended, and what its child took, as seen from outside. */
export interface MeasuredRun {
  readonly code: FaultCode | 'picture'
  readonly fault?: Fault
  readonly ms: number
  /** Processor time of the child, over all its threads, to a hundredth of a second. */
  readonly cpuMs: number
  /** The most memory it held at any time of its life until then (VmHWM), in bytes. */
  readonly peakBytes: number
}

export interface SandboxHarness extends AsyncDisposable {
  readonly settings: WorkerSettings
  /** Does one piece of work in the next free child. Never rejects with anything but a bug of the test. */
  put(bytes: Uint8Array, format: FormatId, recipe?: unknown): Promise<MeasuredRun>
  /** The children that live, by pid. */
  readonly pids: readonly number[]
  /** What an operator would have read, one line each. */
  readonly news: readonly string[]
  /** Files and folders that lie in scratch space now, but for the empty ones that belong to the children. */
  left(): string[]
}

/** Often enough that little is missed of a child that is killed; those that live are looked at when they are done. */
const lookEveryMs = 5

/**
 * Children as the shipped actor has them, with bounds of one's own, each watched from outside. Only tests use this.
 * @param lanes how many work at once
 */
export async function openSandboxHarness(settings: WorkerSettings, lanes = 2): Promise<SandboxHarness> {
  await using parts = new AsyncDisposableStack()
  const home = await mkdtemp(join(tmpdir(), 'pixelflow-arena-'))
  parts.defer(() => rm(home, { recursive: true, force: true }))
  const scratch = parts.use(await openScratch(home))
  const launcher = workerLauncherFor(settings)
  const memory = createByteBudget(settings.childrenMemoryBytes)
  const news: string[] = []
  const tell = {
    lost: ({ why, words }: { why: string; words: string }) => news.push(`lost: ${why} ${words}`.trim()),
    resting: () => news.push('resting'),
    preempted: () => news.push('preempted'),
    unstartable: ({ why }: { why: string }) => news.push(`unstartable: ${why}`),
  }
  // One child each, so that it is known from outside who does what.
  const sandboxes = Array.from({ length: lanes }, () =>
    parts.use(
      openSandbox({ ...sandboxOptions(settings, launcher, scratch.large, tell), memory, children: 1 }),
    ),
  )
  await Promise.all(sandboxes.map((sandbox) => sandbox.ready(AbortSignal.timeout(30_000))))
  const free = [...sandboxes]
  const waiting: (() => void)[] = []
  const owned = parts.move()

  return {
    settings,
    news,
    get pids() {
      return sandboxes.flatMap(({ pids }) => pids)
    },
    left: () =>
      readdirSync(scratch.large, { recursive: true })
        .map(String)
        .filter((path) => !/^child-\w+$/.test(path)),
    async put(bytes, format, written = 'resize:24/format:png') {
      while (free.length === 0) await new Promise<void>((resolve) => waiting.push(resolve))
      const sandbox = free.pop() as Sandbox
      try {
        await sandbox.ready(AbortSignal.timeout(30_000))
        await using folder = await scratch.folder(bytes.length)
        const recipe = parseRecipe(written)
        const outputs = outputNames(recipe)
        const source = join(folder.path, 'source')
        await Bun.write(source, bytes)
        const { maxPixels } = settings
        const input: TransformInput = {
          source,
          format,
          recipe,
          outputs,
          folder: folder.path,
          // Both ways of doing it meet every kind of file.
          inStages: bytes.length % 2 === 0,
          maxPixels,
        }
        return await watched(sandbox.pids[0] ?? 0, async () => {
          const signal = new AbortController().signal
          await sandbox.run({
            kind: 'transform',
            account: 'ann',
            input,
            signal,
            onNote: () => {},
            memoryEstimateBytes: 1,
          })
          for (const i of outputs.keys()) {
            // Written by our own encoder from whatever was decoded: it must be a picture.
            await sharp(outputPath(folder.path, i)).metadata()
          }
        })
      } finally {
        free.push(sandbox)
        waiting.shift()?.()
      }
    },
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  }
}

/** Looks at a process while something is under way in it. */
async function watched(pid: number, work: () => Promise<void>): Promise<MeasuredRun> {
  const cpuBefore = readCpuMs(pid)
  let cpuMs = 0
  let peakBytes = 0
  const look = () => {
    cpuMs = Math.max(cpuMs, readCpuMs(pid) - cpuBefore)
    peakBytes = Math.max(peakBytes, peakBytesOf(pid))
  }
  const timer = setInterval(look, lookEveryMs)
  const begun = performance.now()
  const ended = await work().then(
    () => ({ code: 'picture' as const }),
    (thrown: unknown) => {
      if (!(thrown instanceof Fault)) throw thrown
      return { code: thrown.code, fault: thrown }
    },
  )
  const ms = performance.now() - begun
  clearInterval(timer)
  look()
  return { ...ended, ms, cpuMs, peakBytes }
}

function peakBytesOf(pid: number): number {
  try {
    const status = readFileSync(`/proc/${pid}/status`, 'latin1')
    return Number(/^VmHWM:\s+(\d+) kB$/m.exec(status)?.[1] ?? 0) * 1024
  } catch {
    return 0
  }
}
