import { pause } from '@pixelflow/core/pause'
import type { Nats } from '@pixelflow/testkit/nats'
import { waitFor } from '@pixelflow/testkit/wait-for'
import type { ChaosCluster, ChaosProcess } from './chaos-cluster.ts'
import { sendSignal, waitUntilReplicated, type FaultInjector } from './fault-injector.ts'

/** Time limit for a drain, and a start on a busy machine. */
const restartMs = 60_000

/** Restarts one process after another with SIGTERM, as the rollout of a new version does. */
export function startRollingRestart(cluster: ChaosCluster, signal: AbortSignal): FaultInjector {
  const counts: Record<string, number> = {}
  const undone = (async () => {
    for (const one of [...cluster.actors, ...cluster.gateways]) {
      await pause(1000, signal)
      await restart(one)
      counts[one.name] = 1
    }
    for (const [n, nats] of cluster.brokers.entries()) {
      await pause(1000, signal)
      await restartBroker(nats)
      await waitUntilReplicated(cluster)
      counts[`broker-${n + 1}`] = 1
    }
  })()
  return { counts, undone }
}

async function restart({ name, process: { pid }, restarted }: ChaosProcess): Promise<void> {
  if (pid === undefined) throw new Error(`${name} exited before SIGTERM.`)
  const restarting = restarted()
  sendSignal(pid, 'SIGTERM')
  const timeout = Promise.withResolvers<never>()
  const timer = setTimeout(
    () => timeout.reject(new Error(`${name} did not restart within ${restartMs} ms.`)),
    restartMs,
  )
  await Promise.race([restarting, timeout.promise]).finally(() => clearTimeout(timer))
}

async function restartBroker(nats: Nats): Promise<void> {
  const { pid } = nats
  sendSignal(pid, 'SIGTERM')
  await waitFor(`broker ${pid} exited`, () => !isRunning(pid), Boolean, { timeoutMs: restartMs })
  await nats.restart()
}

function isRunning(pid: number): boolean {
  try {
    return process.kill(pid, 0)
  } catch {
    return false
  }
}
