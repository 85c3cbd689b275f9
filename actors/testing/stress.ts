import { faultCodesWith } from '@pixelflow/core/fault'
import type { FormatId } from '@pixelflow/core/format'
import { bombs, slowBombs, type Bomb } from '@pixelflow/testkit/hostile/bombs'
import { flipBits, fixChecksums, truncateInSteps } from '@pixelflow/testkit/hostile/damage'
import { svgBombs } from '@pixelflow/testkit/hostile/svg'
import { samples, type Sample } from '@pixelflow/testkit/hostile/samples'
import type { WorkerSettings } from '../sandbox/sandbox-options.ts'
import { openSandboxHarness, type SandboxHarness, type MeasuredRun } from './sandbox-harness.ts'

/** Runs thousands of hostile files through real workers. */

const MiB = 2 ** 20

/** Limits far below the defaults, so that endless work costs a test little time. */
export const bounds: WorkerSettings = {
  taskTimeoutMs: 60_000,
  maxCpuMs: 2000,
  maxRssBytes: 512 * MiB,
  workerMemoryBytes: 2 ** 40,
  maxPixels: 100_000_000,
}

/**
 * How far a worker can exceed its limits before it is killed. Memory is polled every 50 ms, in which a core fills some
 * 150 MiB, and polling may be late on a busy machine. CPU time is polled every 500 ms. The wall clock is a timer, which
 * is late when this process is busy.
 */
export const allowance = { bytes: 256 * MiB, cpuMs: 1500, ms: 10_000 }

/** Codes with which a hostile file may end. */
const allowedCodes = new Set<string>(['image', ...faultCodesWith('isProcessingFault')])

export interface StressReport {
  readonly files: number
  readonly outcomes: Record<string, number>
  readonly peakMiB: number
  readonly mostCpuMs: number
  readonly mostMs: number
  /** CPU time of the workers, in seconds. */
  readonly cpuS: number
  /** What the sandbox reported to operators. */
  readonly events: readonly string[]
  /** The workers that died without being killed at a limit. */
  readonly crashes: readonly string[]
  /** Files in scratch space at the end. */
  readonly leftovers: readonly string[]
  /** Violated expectations; empty when all is well. */
  readonly failures: readonly string[]
}

export interface StressOptions {
  /** Which files. */
  readonly with: 'bombs' | 'slow bombs' | 'cuts' | 'flips'
  /** Number of files with flipped bits for each sample. */
  readonly flips?: number
  /** The first seed. */
  readonly seed?: number
}

/** Recipes used in rotation, so that loading, colours, metadata and every encoder get the decoded data. */
const recipes = [
  'resize:24/format:png',
  'flip/format:jpeg:metadata=keep',
  'rotate:90/format:webp',
  'blur:1/grayscale/format:png',
  'resize:24/format:avif:effort=0',
]
/** After this many files a valid image is processed. */
const goodEvery = 50

interface File {
  readonly name: string
  readonly format: FormatId
  readonly bytes: Uint8Array
  readonly recipe: string
  /** Expected codes, where they are known. */
  readonly ends?: readonly string[]
}

/** Runs the files and reports the results. */
export async function runStress({
  with: which,
  flips = 100,
  seed = 1,
}: StressOptions): Promise<StressReport> {
  await using harness = await openSandboxHarness(bounds)
  const good = await samples()
  const record = recorder(harness)
  const runFiles = async (files: AsyncIterator<File> | Iterator<File>) => {
    for (let next = await files.next(); next.done !== true; next = await files.next()) {
      const { bytes, format, recipe } = next.value
      record.add(next.value, await harness.run(bytes, format, recipe))
      if (record.files % goodEvery !== 0) continue
      const sample = good[record.files % good.length] as Sample
      const outcome = await harness.run(sample.bytes, sample.format, recipes[0])
      record.add({ ...sample, name: `good ${sample.name}`, recipe: '', ends: ['image'] }, outcome)
    }
  }
  const files = {
    bombs: () => ofBombs([...bombs, ...drawings]),
    'slow bombs': () => ofBombs(slowBombs),
    cuts: () => cuts(good),
    flips: () => damaged(good, flips, seed),
  }[which]()
  await Promise.all([runFiles(files), runFiles(files)])
  for (const { name, format, bytes } of good) {
    record.add(
      { name: `good ${name}`, format, bytes, recipe: '', ends: ['image'] },
      await harness.run(bytes, format),
    )
  }
  return record.report()
}

/**
 * SVG bombs. A worker must reject what a gateway rejects too. The cost depends on the size, so each is rendered as an
 * icon and in its own size.
 */
const drawings: readonly (Bomb & { readonly recipe?: string })[] = svgBombs.flatMap(
  ({ name, bytes, end, isCheapWhenSmall = false }) => {
    const make = () => bytes
    const full = end === 'image' ? 'image' : ([end] as const)
    return [
      { name, format: 'svg', make, ends: isCheapWhenSmall ? 'image' : full },
      { name: `${name}, in full size`, format: 'svg', make, ends: full, recipe: 'format:png' },
    ]
  },
)

async function* ofBombs(all: readonly (Bomb & { readonly recipe?: string })[]): AsyncGenerator<File, void> {
  for (const { name, format, make, ends, recipe = recipes[0] ?? '' } of all) {
    yield { name, format, bytes: await make(), recipe, ends: ends === 'image' ? [ends] : ends }
  }
}

function* cuts(all: readonly Sample[]): Generator<File, void> {
  for (const { name, format, bytes, minParts } of all) {
    for (const [i, cut] of truncateInSteps(bytes).entries()) {
      const ends = i + 1 >= minParts ? ['image'] : ['corrupt_image']
      yield { name: `${name}, ${i + 1}/16`, format, bytes: cut, recipe: recipes[i % 5] ?? '', ends }
    }
  }
}

function* damaged(all: readonly Sample[], count: number, seed: number): Generator<File, void> {
  for (let n = seed; n < seed + count; n += 1) {
    for (const { name, format, bytes } of all) {
      // One to seven bits; in every third file also in the bytes that identify the format.
      const file = flipBits(bytes, n, 1 + (n % 7), n % 3 === 0 ? 0 : 32)
      const recipe = recipes[n % recipes.length] ?? ''
      yield {
        name: `${name}, seed ${n}`,
        format,
        recipe,
        bytes: format === 'png' && n % 2 ? fixChecksums(file) : file,
      }
    }
  }
}

function recorder(harness: SandboxHarness) {
  const outcomes: Record<string, number> = {}
  const failures: string[] = []
  let files = 0
  let [peak, mostCpuMs, mostMs, cpuMs] = [0, 0, 0, 0]
  return {
    get files() {
      return files
    },
    add({ name, format, ends }: File, outcome: MeasuredRun) {
      const { code, fault } = outcome
      const fail = (what: string) => failures.push(`${format}, ${name}: ${what}`)
      files += 1
      outcomes[code] = (outcomes[code] ?? 0) + 1
      peak = Math.max(peak, outcome.peakBytes)
      mostCpuMs = Math.max(mostCpuMs, outcome.cpuMs)
      mostMs = Math.max(mostMs, outcome.ms)
      cpuMs += outcome.cpuMs
      if (!(ends?.includes(code) ?? allowedCodes.has(code)))
        fail(`ended as ${code}: ${String(fault?.cause ?? fault)}`)
      if (fault && /vips|libpng|\/tmp|task-/i.test(fault.message))
        fail(`exposes internals: "${fault.message}"`)
      if (outcome.peakBytes > bounds.maxRssBytes + allowance.bytes) fail(`held ${outcome.peakBytes} bytes`)
      if (outcome.cpuMs > bounds.maxCpuMs + allowance.cpuMs)
        fail(`took ${outcome.cpuMs} ms of processor time`)
      if (outcome.ms > bounds.taskTimeoutMs + allowance.ms) fail(`took ${outcome.ms} ms`)
    },
    report(): StressReport {
      return {
        files,
        outcomes,
        peakMiB: Math.round(peak / MiB),
        mostCpuMs,
        mostMs: Math.round(mostMs),
        cpuS: Math.round(cpuMs) / 1000,
        events: harness.events,
        crashes: harness.crashes,
        leftovers: harness.leftovers(),
        failures,
      }
    },
  }
}
