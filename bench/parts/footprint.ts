import { sampleImage } from '@pixelflow/testkit/images'
import { computeMedian } from '../compute-median.ts'
import { measureIdle } from '../footprint/measure-idle.ts'
import { measureLoadMemory } from '../footprint/measure-load-memory.ts'
import type { Memory } from '../footprint/read-memory.ts'
import { createDataDir, startLocalStack } from '../footprint/start-local-stack.ts'
import { processStoredImage } from '../process-stored-image.ts'
import { samplePhoto, makeDistinct } from '../sample-photo.ts'
import type { Part } from './part.ts'

const idleSeconds = 20
/** Tasks under load. */
const loadTasks = 200

/** Measures the whole stack of `./pixelflow up`: its start, its use of memory and CPU without work, and its memory under load. */
export const footprintPart: Part = async ({ options, print }) => {
  const small = await sampleImage({ width: 640, height: 480 })
  const photo = await samplePhoto()
  await using folder = await createDataDir()
  // The first start creates the streams and fills the caches of the operating system.
  await (await startLocalStack(folder.path))[Symbol.asyncDispose]()

  const starts: { readyMs: number; firstResultMs: number }[] = []
  for (let round = 0; round < options.rounds; round += 1) {
    await using up = await startLocalStack(folder.path)
    await processStoredImage(up.url, makeDistinct(small, round), 'resize:200')
    starts.push({ readyMs: up.readyMs, firstResultMs: performance.now() - up.startedAt })
  }
  const start = {
    readyMs: computeMedian(starts.map((one) => one.readyMs)),
    firstResultMs: computeMedian(starts.map((one) => one.firstResultMs)),
  }
  print(`start: ready after ${start.readyMs.toFixed(0)} ms (at most 1500, goal 800)`)
  print(`       first result after ${start.firstResultMs.toFixed(0)} ms (at most 2000, goal 1200)`)

  await using up = await startLocalStack(folder.path)
  await processStoredImage(up.url, makeDistinct(small, -1), 'resize:200')
  const idle = await measureIdle(up, idleSeconds)
  print(`idle:  ${describe(idle.memory)} resident (at most 350, goal 280)`)
  const cpu = totalLast(idle.cpuPercent).map(([role, percent]) => `${role} ${percent.toFixed(2)}`)
  print(`       ${cpu.join(', ')} % of a core (total at most 1, goal 0.5)`)
  const { in: messagesIn, out } = idle.messagesPerSecond
  print(`       messages a second: ${messagesIn.toFixed(1)} into the broker, ${out.toFixed(1)} out of it`)

  const load = await measureLoadMemory(up, photo, options.isQuick ? loadTasks / 10 : loadTasks)
  print(`load:  ${describe(load.peak)} resident at the peak (at most 750, goal 550)`)
  print(`       ${mebibytes(load.medianRss)} MiB median, ${load.tasks} tasks of 12 megapixels`)
  return { footprint: { start, idle, load } }
}

/** Resident memory by role in MiB. */
function describe(memory: Readonly<Record<string, Memory>>): string {
  const roles = totalLast(memory).map(([role, { rss }]) => `${role} ${mebibytes(rss)}`)
  return `${roles.join(', ')} MiB`
}

/** Values by role, with the total at the end. */
function totalLast<T>(values: Readonly<Record<string, T>>): [role: string, value: T][] {
  return Object.entries(values).toSorted(([a], [b]) => Number(a === 'total') - Number(b === 'total'))
}

function mebibytes(bytes: number): string {
  return (bytes / 2 ** 20).toFixed(0)
}
