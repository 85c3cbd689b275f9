import type { Task } from '@pixelflow/core/task'
import { sampleTask } from '@pixelflow/testkit/tasks'
import { computePercentile } from '../compute-median.ts'
import { measureCpu, type CpuReader } from '../measure-cpu.ts'
import { startServerProgram } from '../start-server-program.ts'
import type { TaskWriter } from '../tasks/open-task-writer.ts'
import { createTimeName, startSharedClock } from './parse-times.ts'

export interface DeliveryOptions {
  readonly url: string
  readonly writer: TaskWriter
  readonly followers: number
  /** The followers are spread over so many tasks. */
  readonly tasks: number
  readonly eventsPerSecond: number
  readonly seconds: number
  /** File for the list of tasks. */
  readonly file: string
  readonly servers: Readonly<Record<string, CpuReader>>
}

export interface EventDelivery {
  readonly followers: number
  readonly tasks: number
  readonly deliveries: number
  /** From the call that appends an event until a client has received it, in milliseconds. */
  readonly p50Ms: number
  readonly p99Ms: number
  /** CPU microseconds of a delivery, by process. */
  readonly cpuUs: Readonly<Record<string, number>>
}

/** Measures how long events take to their followers, which run in a process of their own. */
export async function measureDelivery(options: DeliveryOptions): Promise<EventDelivery> {
  const { writer, followers, seconds, eventsPerSecond } = options
  const followed = Array.from({ length: options.tasks }, () => sampleTask({ status: 'running', attempt: 1 }))
  const clock = startSharedClock()
  const last = new Map<string, number>()
  const append = async (task: Task) => {
    const event = { ...task, actor: createTimeName(clock()) }
    last.set(task.id, await writer.append('started', event, last.get(task.id) ?? 0))
  }
  for (const task of followed) await append(task)
  const taskOf = (serial: number) => followed[serial % followed.length] as Task
  const ids = Array.from({ length: followers }, (_, serial) => taskOf(serial).id)
  await Bun.write(options.file, JSON.stringify(ids))
  await using program = await startServerProgram('followers/program.ts', [options.url, options.file])
  const read = async () => {
    const seen = program.process.lines.length
    const isNew = (line: string) => line.startsWith('{') && program.process.lines.indexOf(line) >= seen
    program.process.signal('SIGUSR2')
    return (JSON.parse(await program.process.line(isNew)) as { latencies: number[] }).latencies
  }

  const run = async (events: number) => {
    const startedAt = performance.now()
    for (let serial = 0; serial < events; serial += 1) {
      await append(taskOf(serial * 7919))
      await Bun.sleep(Math.max(0, startedAt + ((serial + 1) * 1000) / eventsPerSecond - performance.now()))
    }
  }
  await run(eventsPerSecond * 3)
  await read()
  const { cpuMs } = await measureCpu(options.servers, () => run(eventsPerSecond * seconds))
  // The last event arrives some milliseconds after its append.
  await Bun.sleep(1000)
  const latencies = await read()
  const expected = (eventsPerSecond * seconds * followers) / options.tasks
  if (latencies.length < expected) throw new Error(`${latencies.length} of ${expected} events arrived`)
  return {
    followers,
    tasks: options.tasks,
    deliveries: latencies.length,
    p50Ms: computePercentile(latencies, 0.5) / 1000,
    p99Ms: computePercentile(latencies, 0.99) / 1000,
    cpuUs: Object.fromEntries(
      Object.entries(cpuMs).map(([name, ms]) => [name, (ms * 1000) / latencies.length]),
    ),
  }
}
