import type { FormatId } from '@pixelflow/core/format'
import { bombs, slowBombs, type Bomb } from '@pixelflow/testkit/hostile/bombs'
import { flipped, summed, truncated } from '@pixelflow/testkit/hostile/damage'
import { svgBombs } from '@pixelflow/testkit/hostile/svg'
import { samples, type Sample } from '@pixelflow/testkit/hostile/samples'
import type { WorkerSettings } from '../sandbox/sandbox-options.ts'
import { openSandboxHarness, type SandboxHarness, type MeasuredRun } from './sandbox-harness.ts'

/** Hostile files by the thousand, put through real children. Only tests use this. */

const MiB = 2 ** 20

/** Bounds far below the shipped ones: what does not end by itself should cost a test little. */
export const bounds: WorkerSettings = {
  taskTimeoutMs: 60_000,
  maxCpuMs: 2000,
  maxRssBytes: 512 * MiB,
  childrenMemoryBytes: 2 ** 40,
  maxPixels: 100_000_000,
}

/**
 * How far beyond its bounds a child can get before it is killed. Memory is looked at every 50 ms, in which a core can
 * fill some 150 MiB, and looking may come late on a busy machine; processor time is looked at every 500 ms. The wall
 * clock is a timer, late by as much as this process is held up.
 */
export const allowance = { bytes: 256 * MiB, cpuMs: 1500, ms: 10_000 }

/** How anything hostile may end. */
const allowedCodes = new Set([
  'picture',
  'corrupt_image',
  'unsupported_format',
  'too_many_pixels',
  'resource_limit_exceeded',
  'deadline_exceeded',
  'processing_failed',
])

export interface StressReport {
  readonly files: number
  readonly endings: Record<string, number>
  readonly peakMiB: number
  readonly mostCpuMs: number
  readonly mostMs: number
  /** Processor time of the children, in seconds. */
  readonly cpuS: number
  /** What an operator would have read. */
  readonly news: readonly string[]
  /** What lay in scratch space when all was done. */
  readonly left: readonly string[]
  /** Whatever was not as it must be; empty when all is well. */
  readonly failures: readonly string[]
}

export interface StressOptions {
  /** Which files. */
  readonly with: 'bombs' | 'slow bombs' | 'cuts' | 'flips'
  /** Of each sample, so many files with bits turned over. */
  readonly flips?: number
  /** The first seed. */
  readonly seed?: number
}

/** Recipes that take turns, so that loading, colours, metadata and every encoder meet what was decoded. */
const recipes = [
  'resize:24/format:png',
  'flip/format:jpeg:metadata=keep',
  'rotate:90/format:webp',
  'blur:1/grayscale/format:png',
  'resize:24/format:avif:effort=0',
]
/** A good picture comes after so many others. */
const goodEvery = 50

interface File {
  readonly name: string
  readonly format: FormatId
  readonly bytes: Uint8Array
  readonly recipe: string
  /** How it has to end, where that is known. */
  readonly ends?: readonly string[]
}

/** Sends the files and tells how they ended. */
export async function runStress({
  with: which,
  flips = 100,
  seed = 1,
}: StressOptions): Promise<StressReport> {
  await using harness = await openSandboxHarness(bounds)
  const good = await samples()
  const record = recorder(harness)
  const lane = async (files: AsyncIterator<File> | Iterator<File>) => {
    for (let next = await files.next(); next.done !== true; next = await files.next()) {
      const { bytes, format, recipe } = next.value
      record.add(next.value, await harness.run(bytes, format, recipe))
      if (record.files % goodEvery !== 0) continue
      const sample = good[record.files % good.length] as Sample
      const ending = await harness.run(sample.bytes, sample.format, recipes[0])
      record.add({ ...sample, name: `good ${sample.name}`, recipe: '', ends: ['picture'] }, ending)
    }
  }
  const files = {
    bombs: () => ofBombs([...bombs, ...drawings]),
    'slow bombs': () => ofBombs(slowBombs),
    cuts: () => cuts(good),
    flips: () => spoiled(good, flips, seed),
  }[which]()
  await Promise.all([lane(files), lane(files)])
  for (const { name, format, bytes } of good) {
    record.add(
      { name: `good ${name}`, format, bytes, recipe: '', ends: ['picture'] },
      await harness.run(bytes, format),
    )
  }
  return record.report()
}

/**
 * Drawings, whose bombs have a list of their own: what a gateway refuses at the door a child has to refuse as well. What
 * drawing costs depends on the size, so each comes in the size of an icon, as all bombs do, and in its own.
 */
const drawings: readonly (Bomb & { readonly recipe?: string })[] = svgBombs.flatMap(
  ({ name, bytes, end, isCheapWhenSmall = false }) => {
    const make = () => bytes
    const full = end === 'drawn' ? 'picture' : ([end] as const)
    return [
      { name, format: 'svg', make, ends: isCheapWhenSmall ? 'picture' : full },
      { name: `${name}, in full size`, format: 'svg', make, ends: full, recipe: 'format:png' },
    ]
  },
)

async function* ofBombs(all: readonly (Bomb & { readonly recipe?: string })[]): AsyncGenerator<File, void> {
  for (const { name, format, make, ends, recipe = recipes[0] ?? '' } of all) {
    yield { name, format, bytes: await make(), recipe, ends: ends === 'picture' ? [ends] : ends }
  }
}

function* cuts(all: readonly Sample[]): Generator<File, void> {
  for (const { name, format, bytes, enough } of all) {
    for (const [i, cut] of truncated(bytes).entries()) {
      const ends = i + 1 >= enough ? ['picture'] : ['corrupt_image']
      yield { name: `${name}, ${i + 1}/16 of it`, format, bytes: cut, recipe: recipes[i % 5] ?? '', ends }
    }
  }
}

function* spoiled(all: readonly Sample[], count: number, seed: number): Generator<File, void> {
  for (let n = seed; n < seed + count; n += 1) {
    for (const { name, format, bytes } of all) {
      // One bit to seven of them; every third also where the format shows.
      const file = flipped(bytes, n, 1 + (n % 7), n % 3 === 0 ? 0 : 32)
      const recipe = recipes[n % recipes.length] ?? ''
      yield {
        name: `${name}, seed ${n}`,
        format,
        recipe,
        bytes: format === 'png' && n % 2 ? summed(file) : file,
      }
    }
  }
}

function recorder(harness: SandboxHarness) {
  const endings: Record<string, number> = {}
  const failures: string[] = []
  let files = 0
  let [peak, mostCpuMs, mostMs, cpuMs] = [0, 0, 0, 0]
  return {
    get files() {
      return files
    },
    add({ name, format, ends }: File, ending: MeasuredRun) {
      const { code, fault } = ending
      const wrong = (what: string) => failures.push(`${format}, ${name}: ${what}`)
      files += 1
      endings[code] = (endings[code] ?? 0) + 1
      peak = Math.max(peak, ending.peakBytes)
      mostCpuMs = Math.max(mostCpuMs, ending.cpuMs)
      mostMs = Math.max(mostMs, ending.ms)
      cpuMs += ending.cpuMs
      if (!(ends?.includes(code) ?? allowedCodes.has(code)))
        wrong(`ended as ${code}: ${String(fault?.cause ?? fault)}`)
      if (fault && /vips|libpng|\/tmp|task-/i.test(fault.message)) wrong(`says "${fault.message}"`)
      if (ending.peakBytes > bounds.maxRssBytes + allowance.bytes) wrong(`held ${ending.peakBytes} bytes`)
      if (ending.cpuMs > bounds.maxCpuMs + allowance.cpuMs) wrong(`took ${ending.cpuMs} ms of processor time`)
      if (ending.ms > bounds.taskTimeoutMs + allowance.ms) wrong(`took ${ending.ms} ms`)
    },
    report(): StressReport {
      return {
        files,
        endings,
        peakMiB: Math.round(peak / MiB),
        mostCpuMs,
        mostMs: Math.round(mostMs),
        cpuS: Math.round(cpuMs) / 1000,
        news: harness.events,
        left: harness.leftovers(),
        failures,
      }
    },
  }
}
