import { hasEnded } from '@pixelflow/core/status'
import type { TaskEvent } from '@pixelflow/client'
import type { Seen } from './follow.ts'
import type { Work } from './expected-results.ts'

/** A task that a gateway has accepted. */
export interface Entry {
  readonly account: string
  readonly task: string
  readonly work: Work
  /** An image of its own, of which there is only one use. */
  readonly ownImage: boolean
  /** What the client was promised beyond the work itself. */
  cancelled: boolean
  deleteAsked: boolean
  deleted: boolean
  readonly followers: Promise<Seen>[]
}

export function isFinal(event: TaskEvent): boolean {
  return event.kind === 'deleted' || hasEnded(event.task.status)
}

/** Counts by name. */
export interface Tally {
  add(name: string): void
  readonly all: Readonly<Record<string, number>>
}

export function createTally(): Tally {
  const all: Record<string, number> = {}
  return {
    all,
    add(name) {
      all[name] = (all[name] ?? 0) + 1
    },
  }
}
