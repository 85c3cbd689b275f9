import { pause } from '@pixelflow/core/pause'
import type { Nats } from '@pixelflow/testkit/nats'
import type { House, Member } from './house.ts'
import { agreed, send, type Mischief } from './mischief.ts'

/** A drain, and a start on a busy machine. */
const mostMs = 60_000

/** Asks every process once to end, each when the one before is back, as a new version is rolled out. */
export function rollAll(house: House, signal: AbortSignal): Mischief {
  const done: Record<string, number> = {}
  const over = (async () => {
    for (const member of [...house.actors, ...house.gateways]) {
      await pause(1000, signal)
      await roll(member)
      done[member.name] = 1
    }
    for (const [n, nats] of house.brokers.entries()) {
      await pause(1000, signal)
      await rollBroker(nats)
      await agreed(house)
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
