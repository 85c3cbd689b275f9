import { openTrafficReader, trafficBetween } from '../broker/open-traffic-reader.ts'
import { measureCpu, processAlone } from '../measure-cpu.ts'
import { listProcesses } from './list-processes.ts'
import { readMemory, sumMemory, type Memory } from './read-memory.ts'
import { readOwnBroker } from './read-own-broker.ts'
import type { LocalStack } from './start-local-stack.ts'

/** Time for the work of the start and of the first task to settle, such as garbage collection. */
const settleMs = 12_000

export interface IdleReport {
  readonly memory: Readonly<Record<string, Memory>>
  /** CPU time in percent of one core, by role and in total. */
  readonly cpuPercent: Readonly<Record<string, number>>
  /** Messages a second into and out of the broker. */
  readonly messagesPerSecond: { readonly in: number; readonly out: number }
}

/** Measures a stack without work for some seconds. */
export async function measureIdle(up: LocalStack, seconds: number): Promise<IdleReport> {
  await Bun.sleep(settleMs)
  await using traffic = await openTrafficReader(await readOwnBroker(up.dataDir))
  const processes = await listProcesses(up.pid)
  const sources = Object.fromEntries(processes.map(({ pid }) => [String(pid), processAlone(pid)]))
  const before = await traffic.read()
  const { cpuMs } = await measureCpu(sources, () => Bun.sleep(seconds * 1000))
  const messages = Object.values(trafficBetween(before, await traffic.read(), seconds))
  const cpuPercent: Record<string, number> = {}
  for (const { pid, role } of processes) {
    for (const name of [role, 'total'])
      cpuPercent[name] = (cpuPercent[name] ?? 0) + (cpuMs[String(pid)] ?? 0) / seconds / 10
  }
  return {
    memory: await readStackMemory(up),
    cpuPercent,
    messagesPerSecond: {
      in: messages.reduce((sum, one) => sum + one.messagesIn, 0),
      out: messages.reduce((sum, one) => sum + one.messagesOut, 0),
    },
  }
}

/** Memory of all processes of the stack, by role and in total. */
export async function readStackMemory(up: LocalStack): Promise<Record<string, Memory>> {
  const processes = await listProcesses(up.pid)
  return sumMemory(
    await Promise.all(processes.map(async ({ pid, role }) => ({ role, memory: await readMemory(pid) }))),
  )
}
