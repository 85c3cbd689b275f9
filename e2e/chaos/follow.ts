import { isFinal } from './ledger.ts'
import { pause } from '@pixelflow/core/pause'
import { parseResumeToken } from '@pixelflow/core/event'
import type { TaskEvent } from '@pixelflow/client'
import type { GatewayClient } from './gateway-clients.ts'
import type { Random } from './random.ts'

/** What one follower was told of a task, over all its connections. */
export interface Seen {
  readonly events: readonly TaskEvent[]
  readonly connections: number
  /** Whether it was told the end, or that the task is there no more. */
  readonly isWhole: boolean
}

export interface Following {
  readonly clients: readonly GatewayClient[]
  readonly task: string
  readonly random: Random
  readonly signal: AbortSignal
  /** Whether a missing task is expected. */
  readonly mayBeGone: () => boolean
}

/** No connection lasts longer: one to a gateway that is stopped says nothing for as long as that. */
const connectionMs = 10_000

/**
 * Follows a task to its end as a clumsy client does: over either protocol, leaving and coming back through another
 * gateway, dawdling over what it reads.
 */
export async function follow({ clients, task, random, signal, mayBeGone }: Following): Promise<Seen> {
  const events: TaskEvent[] = []
  let connections = 0
  const isSlow = random.chance(0.1)
  while (!signal.aborted) {
    connections += 1
    const leaves = random.chance(0.25)
    const link = AbortSignal.any([signal, AbortSignal.timeout(connectionMs)])
    try {
      for await (const event of random.pick(clients).events(task, events.at(-1)?.token, link)) {
        events.push(event)
        if (isFinal(event)) return { events, connections, isWhole: true }
        if (isSlow) await pause(random.between(100, 1500), link)
        if (leaves) break
      }
    } catch (thrown) {
      if (isMissing(thrown) && mayBeGone()) return { events, connections, isWhole: true }
    }
    await pause(random.between(50, 400), signal)
  }
  return { events, connections, isWhole: false }
}

function isMissing(thrown: unknown): boolean {
  return thrown instanceof Error && 'status' in thrown && thrown.status === 404
}

/** Events that a follower was told twice or in the wrong order, by their tokens alone. */
export function disorder({ events }: Seen): { doubled: number; outOfOrder: number } {
  const tokens = events.map(({ token }) => parseResumeToken(token) ?? Number.NaN)
  const doubled = tokens.length - new Set(tokens).size
  const outOfOrder = tokens.filter((token, n) => n > 0 && token < (tokens[n - 1] as number)).length
  return { doubled, outOfOrder }
}
