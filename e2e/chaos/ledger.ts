import { hasEnded } from '@pixelflow/core/status'
import type { TaskEvent } from '@pixelflow/client'
import type { FollowedTask } from './run-follower.ts'
import type { RecipeCase } from './expected-results.ts'

/** A task that a gateway has accepted, and what the gateways have promised about it. */
export interface LedgerEntry {
  readonly account: string
  readonly task: string
  readonly recipeCase: RecipeCase
  /** The image was uploaded for this task alone, so its result is not known in advance. */
  readonly hasOwnImage: boolean
  /** A gateway answered that the task is cancelled. */
  cancelled: boolean
  deleteRequested: boolean
  /** A gateway answered that the task is deleted. */
  deleted: boolean
  readonly followers: Promise<FollowedTask>[]
}

export function isLastEvent(event: TaskEvent): boolean {
  return event.kind === 'deleted' || hasEnded(event.task.status)
}

/** Counts by name. */
export interface Tally {
  add(name: string): void
  readonly counts: Readonly<Record<string, number>>
}

export function createTally(): Tally {
  const counts: Record<string, number> = {}
  return {
    counts,
    add(name) {
      counts[name] = (counts[name] ?? 0) + 1
    },
  }
}
