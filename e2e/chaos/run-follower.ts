import { isLastEvent } from './ledger.ts'
import { pause } from '@pixelflow/core/pause'
import { isAfter, parseResumeToken } from '@pixelflow/core/event'
import type { TaskEvent } from '@pixelflow/client'
import type { GatewayClient } from './gateway-clients.ts'
import type { Random } from './random.ts'

/** What one follower received about a task, over all its connections. */
export interface FollowedTask {
  readonly events: readonly TaskEvent[]
  readonly connections: number
  /** Whether the follower saw the end of the task, or learned that the task was deleted. */
  readonly isComplete: boolean
}

export interface RunFollowerOptions {
  readonly clients: readonly GatewayClient[]
  readonly task: string
  readonly random: Random
  readonly signal: AbortSignal
  /** Whether a missing task is expected. */
  readonly mayBeDeleted: () => boolean
}

/** Time limit of one connection: a connection to a frozen gateway stays silent. */
const connectionMs = 10_000

/**
 * Follows a task to its end as a poor client does: over either protocol, disconnecting and resuming at another gateway,
 * and sometimes reading slowly.
 */
export async function runFollower({
  clients,
  task,
  random,
  signal,
  mayBeDeleted,
}: RunFollowerOptions): Promise<FollowedTask> {
  const events: TaskEvent[] = []
  let connections = 0
  const isSlow = random.chance(0.1)
  while (!signal.aborted) {
    connections += 1
    const disconnects = random.chance(0.25)
    const connection = AbortSignal.any([signal, AbortSignal.timeout(connectionMs)])
    try {
      for await (const event of random.pick(clients).events(task, events.at(-1)?.token, connection)) {
        events.push(event)
        if (isLastEvent(event)) return { events, connections, isComplete: true }
        if (isSlow) await pause(random.between(100, 1500), connection)
        if (disconnects) break
      }
    } catch (thrown) {
      if (isNotFound(thrown) && mayBeDeleted()) return { events, connections, isComplete: true }
    }
    await pause(random.between(50, 400), signal)
  }
  return { events, connections, isComplete: false }
}

export function isNotFound(thrown: unknown): boolean {
  return thrown instanceof Error && 'status' in thrown && thrown.status === 404
}

/** Counts the events that a follower received twice or in the wrong order, by their resume tokens. */
export function countDisorder({ events }: FollowedTask): { duplicates: number; outOfOrder: number } {
  const positions = events.map(({ token }) => parseResumeToken(token) ?? { seq: Number.NaN })
  const duplicates = events.length - new Set(events.map(({ token }) => token)).size
  const outOfOrder = positions.filter((one, n) => n > 0 && isAfter(positions[n - 1] ?? one, one)).length
  return { duplicates, outOfOrder }
}
