import { computeMedian } from '../compute-median.ts'
import { measureRate } from '../measure-rate.ts'
import { processStoredImage } from '../process-stored-image.ts'
import { makeDistinct } from '../sample-photo.ts'
import { readStackMemory } from './measure-idle.ts'
import type { Memory } from './read-memory.ts'
import type { LocalStack } from './start-local-stack.ts'

const inFlight = 4
const sampleEveryMs = 500

export interface LoadMemoryReport {
  readonly tasks: number
  /** The sample with the largest total of resident memory. */
  readonly peak: Readonly<Record<string, Memory>>
  /** Median of the totals of all samples. */
  readonly medianRss: number
}

/** Samples the memory of the stack while it processes copies of an image. */
export async function measureLoadMemory(
  up: LocalStack,
  source: Uint8Array,
  tasks: number,
): Promise<LoadMemoryReport> {
  const samples: Record<string, Memory>[] = []
  let isDone = false
  const work = measureRate(tasks, inFlight, (serial) =>
    processStoredImage(up.url, makeDistinct(source, serial), 'resize:800'),
  ).finally(() => (isDone = true))
  const sample = async () => {
    do {
      samples.push(await readStackMemory(up))
      await Bun.sleep(sampleEveryMs)
    } while (!isDone)
  }
  await Promise.all([work, sample()])
  const totals = samples.map((one) => one['total']?.rss ?? 0)
  return {
    tasks,
    peak: samples[totals.indexOf(Math.max(...totals))] ?? {},
    medianRss: computeMedian(totals),
  }
}
