import { sampleImage } from '@pixelflow/testkit/images'

/** One picture and what is made of it. */
export interface Work {
  readonly name: WorkName
  readonly title: string
  /** Size of the source in pixels. */
  readonly width: number
  readonly height: number
  /** Strength of the grain, which decides the size of the JPEG. */
  readonly noise: number
  /** Width of the result in pixels. */
  readonly resultWidth: number
  /** Tasks of each system: the first ones, those that are not measured, and those of each round. */
  readonly tasks: PhaseCounts
}

export interface PhaseCounts {
  readonly cold: number
  readonly warmUp: number
  readonly round: number
}

export const workNames = ['1k', '180k', '3m', '15m'] as const
export type WorkName = (typeof workNames)[number]

export const works: Readonly<Record<WorkName, Work>> = {
  '1k': {
    name: '1k',
    title: '1 kB → 32 px',
    width: 64,
    height: 48,
    noise: 12,
    resultWidth: 32,
    tasks: { cold: 200, warmUp: 1200, round: 400 },
  },
  '180k': {
    name: '180k',
    title: '180 kB → 200 px',
    width: 1600,
    height: 1200,
    noise: 9,
    resultWidth: 200,
    tasks: { cold: 200, warmUp: 800, round: 200 },
  },
  '3m': {
    name: '3m',
    title: '3 MB, 12 MP → 800 px',
    width: 4000,
    height: 3000,
    noise: 25,
    resultWidth: 800,
    tasks: { cold: 40, warmUp: 200, round: 60 },
  },
  '15m': {
    name: '15m',
    title: '15 MB, 60 MP → 1600 px',
    width: 8960,
    height: 6720,
    noise: 25,
    resultWidth: 1600,
    tasks: { cold: 8, warmUp: 32, round: 16 },
  },
}

/** The source of a work: a JPEG of quality 80. Takes some seconds for the largest. */
export function paintSource({ width, height, noise }: Work): Promise<Uint8Array> {
  return sampleImage({ width, height, noise, quality: 80 })
}

/** A tenth of the tasks, and at least one for each core of a common machine, for a first look. */
export function reduceTasks({ cold, warmUp, round }: PhaseCounts): PhaseCounts {
  const tenth = (count: number) => Math.max(4, Math.ceil(count / 10))
  return { cold: tenth(cold), warmUp: tenth(warmUp), round: tenth(round) }
}
