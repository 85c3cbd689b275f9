import { measureReads, type ReadReport } from '../reads/measure-reads.ts'
import { startWithTasks } from '../reads/start-with-tasks.ts'
import type { Part } from './part.ts'

/** Compares getting a task and listing tasks, among many tasks, with bare routes that answer with the same bytes. */
export const readsPart: Part = async ({ options, print }) => {
  await using stack = await startWithTasks(options.tasks)
  print(`${options.tasks} tasks; no compression`)
  const reads = await measureReads(stack.gateway, stack.ids, options.rounds, options.isQuick)
  print(describe('get', reads.get, 'at least 0.25, goal 0.5'))
  print(describe('list', reads.list, 'at least 0.1, goal 0.2'))
  return { reads }
}

function describe(name: string, read: ReadReport, limits: string): string {
  const { bytes, perSecond, barePerSecond, toBare, cpuMs, bareCpuMs } = read
  const cpu = `CPU ${(cpuMs * 1000).toFixed(0)} µs, bare ${(bareCpuMs * 1000).toFixed(0)} µs`
  return `${name}, ${bytes} bytes: ${perSecond.toFixed(0)}/s ÷ bare route ${barePerSecond.toFixed(0)}/s = ${toBare.toFixed(2)}   (${limits}); ${cpu}`
}
