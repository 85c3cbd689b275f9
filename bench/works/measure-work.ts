import { measureCpu, processAlone } from '../measure-cpu.ts'
import { measureRate } from '../measure-rate.ts'
import { makeDistinct } from '../sample-photo.ts'
import type { System, SystemName } from './system.ts'
import type { PhaseCounts } from './work.ts'

/** Throughput and CPU time of one system over some tasks. */
export interface Measurement {
  readonly perSecond: number
  /** CPU milliseconds of a task, by process. `client` is this process, which also does the work of the plain loops. */
  readonly cpuMs: Readonly<Record<string, number>>
}

export interface SystemMeasurements {
  /** The first tasks after the start of its processes. */
  readonly cold: Measurement
  /** One of each round, warm. */
  readonly rounds: readonly Measurement[]
}

/**
 * Measures systems with one work: each cold, then each warmed up, then in rounds, in which the systems take turns. The order rotates, so
 * that no system is always the first.
 */
export async function measureWork(
  systems: readonly System[],
  source: Uint8Array,
  tasks: PhaseCounts,
  rounds: number,
  print: (text: string) => void,
): Promise<Partial<Record<SystemName, SystemMeasurements>>> {
  let serial = 0
  const measure = async (system: System, count: number): Promise<Measurement> => {
    const sources = { ...system.servers, client: processAlone(process.pid) }
    const { result, cpuMs } = await measureCpu(sources, () =>
      measureRate(count, system.inFlight, () => system.run(makeDistinct(source, (serial += 1)))),
    )
    const perTask = Object.entries(cpuMs).map(([name, ms]) => [name, ms / count])
    return { perSecond: result, cpuMs: Object.fromEntries(perTask) as Measurement['cpuMs'] }
  }

  const cold = new Map<SystemName, Measurement>()
  for (const system of systems) cold.set(system.name, await measure(system, tasks.cold))
  print(`  cold: ${describe(systems, (name) => cold.get(name))}`)
  for (const system of systems) await measure(system, tasks.warmUp)
  const warm = new Map<SystemName, Measurement[]>(systems.map(({ name }) => [name, []]))
  for (let round = 0; round < rounds; round += 1) {
    for (let at = 0; at < systems.length; at += 1) {
      const system = systems[(at + round) % systems.length] as System
      warm.get(system.name)?.push(await measure(system, tasks.round))
    }
    print(`  round ${round + 1}: ${describe(systems, (name) => warm.get(name)?.at(-1))}`)
  }
  return Object.fromEntries(
    systems.map(({ name }) => [name, { cold: cold.get(name), rounds: warm.get(name) }]),
  ) as Partial<Record<SystemName, SystemMeasurements>>
}

function describe(
  systems: readonly System[],
  measurementOf: (name: SystemName) => Measurement | undefined,
): string {
  return systems.map(({ name }) => `${name} ${measurementOf(name)?.perSecond.toFixed(1)}/s`).join(', ')
}
