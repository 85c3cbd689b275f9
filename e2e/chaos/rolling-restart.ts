import { pause } from '@pixelflow/core/pause'
import type { Nats } from '@pixelflow/testkit/nats'
import type { ChaosCluster, Member } from './chaos-cluster.ts'
import { agreed, send, type FaultInjector } from './fault-injector.ts'

/** A drain, and a start on a busy machine. */
const mostMs = 60_000

/** Asks every process once to end, each when the one before is back, as a new version is rolled out. */
export function restartAll(cluster: ChaosCluster, signal: AbortSignal): FaultInjector {
  const done: Record<string, number> = {}
  const over = (async () => {
    for (const member of [...cluster.actors, ...cluster.gateways]) {
      await pause(1000, signal)
      await roll(member)
      done[member.name] = 1
    }
    for (const [n, nats] of cluster.brokers.entries()) {
      await pause(1000, signal)
      await rollBroker(nats)
      await agreed(cluster)
      done[`broker-${n + 1}`] = 1
    }
  })()
  return { done, over }
}

async function roll({ name, process: { pid }, back }: Member): Promise<void> {
  if (pid === undefined) throw new Error(`${name} has ended before it was asked to.`)
  const returned = back()
  send(pid, 'SIGTERM')
  const late = Promise.withResolvers<never>()
  const timer = setTimeout(() => late.reject(new Error(`${name} has not come back.`)), mostMs)
  await Promise.race([returned, late.promise]).finally(() => clearTimeout(timer))
}

async function rollBroker(nats: Nats): Promise<void> {
  const { pid } = nats
  send(pid, 'SIGTERM')
  for (const deadline = Date.now() + mostMs; isThere(pid) && Date.now() < deadline;) await Bun.sleep(50)
  await nats.restart()
}

function isThere(pid: number): boolean {
  try {
    return process.kill(pid, 0)
  } catch {
    return false
  }
}
