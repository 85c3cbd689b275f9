import { computeMedian } from '../compute-median.ts'
import type { SystemMeasurements, Measurement } from './measure-work.ts'
import type { SystemName } from './system.ts'
import type { PhaseCounts } from './work.ts'

/** The result of one work. */
export interface WorkReport {
  readonly title: string
  readonly sourceBytes: number
  readonly systems: Readonly<Partial<Record<SystemName, SystemSummary>>>
  /** PixelFlow ÷ each other system. */
  readonly ratios: Readonly<Partial<Record<SystemName, Ratios>>>
  /** How it was measured; undefined in results that were saved before this field existed. */
  readonly run?: WorkRun
}

/** How a work was measured. */
export interface WorkRun {
  readonly rounds: number
  /** Tasks of each system. */
  readonly tasks: PhaseCounts
  readonly inFlight: Readonly<Partial<Record<SystemName, number>>>
}

export interface SystemSummary {
  readonly cold: Measurement
  /** Medians of the rounds. */
  readonly warm: Measurement
}

export interface Ratios {
  /** Median of the ratios of tasks a second in each round. */
  readonly rate: number
  /**
   * The same ratio if all cores were always busy with nothing else: CPU time of the other system ÷ that of PixelFlow, each with its client. Other load on
   * the machine changes it little.
   */
  readonly cpu: number
}

/** CPU milliseconds of a task in all processes, or in all but the client. */
export function sumCpuMs({ cpuMs }: Measurement, withClient: boolean): number {
  return Object.entries(cpuMs).reduce(
    (sum, [name, ms]) => sum + (withClient || name !== 'client' ? ms : 0),
    0,
  )
}

/** Summarises the measurements of one work. */
export function summarizeWork(
  title: string,
  sourceBytes: number,
  measurements: Readonly<Partial<Record<SystemName, SystemMeasurements>>>,
  run?: WorkRun,
): WorkReport {
  const entries = Object.entries(measurements) as [SystemName, SystemMeasurements][]
  const own = measurements.pixelflow
  const others = own === undefined ? [] : entries.filter(([name]) => name !== 'pixelflow')
  return {
    title,
    sourceBytes,
    systems: Object.fromEntries(
      entries.map(([name, { cold, rounds }]) => [name, { cold, warm: computeMedians(rounds) }]),
    ),
    ratios: Object.fromEntries(
      others.map(([name, other]) => [name, compare(own?.rounds ?? [], other.rounds)]),
    ),
    ...(run === undefined ? {} : { run }),
  }
}

function compare(own: readonly Measurement[], other: readonly Measurement[]): Ratios {
  const ratio = (of: (mine: Measurement, theirs: Measurement) => number) =>
    computeMedian(own.map((mine, at) => of(mine, other[at] ?? mine)))
  return {
    rate: ratio((mine, theirs) => mine.perSecond / theirs.perSecond),
    cpu: ratio((mine, theirs) => sumCpuMs(theirs, true) / sumCpuMs(mine, true)),
  }
}

function computeMedians(measurements: readonly Measurement[]): Measurement {
  const names = Object.keys(measurements[0]?.cpuMs ?? {})
  return {
    perSecond: computeMedian(measurements.map((measured) => measured.perSecond)),
    cpuMs: Object.fromEntries(
      names.map((name) => [name, computeMedian(measurements.map((measured) => measured.cpuMs[name] ?? 0))]),
    ),
  }
}

/**
 * CPU of all servers for a small task ÷ CPU of one plain pass over 12 megapixels, both warm; undefined without the works `1k` and `3m`
 * with their systems.
 */
export function smallTaskToLargePass(reports: Readonly<Record<string, WorkReport>>): number | undefined {
  const small = reports['1k']?.systems.pixelflow
  const large = reports['3m']?.systems.sharp
  return small && large && sumCpuMs(small.warm, false) / sumCpuMs(large.warm, true)
}
