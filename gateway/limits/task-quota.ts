import { maxInteractivePerAccount } from '@pixelflow/core/actor'
import { defaultLane, type Lane } from '@pixelflow/core/job'
import { localAccount } from '@pixelflow/core/principal'

/** Tasks of one account that have not ended. */
export interface TaskCounts {
  /** Tasks that no actor has started, in both lanes. */
  readonly queued: number
  /** Tasks of the interactive lane, queued or running. */
  readonly interactive: number
}

/** Counts the tasks in the event log by account. */
export interface TaskCounter {
  countsOf(account: string): TaskCounts
  /** Sequence of the last event that is counted. */
  readonly countedTo: number
}

export interface AccountLimits {
  /** Interactive tasks that have not ended; further ones are queued in bulk. */
  readonly accountInteractive: number
  /** Queued tasks; further ones are refused. */
  readonly accountQueued: number
}

/** A place in the quota for one more task. Disposing frees it unless it was committed. */
export interface TaskReservation extends Disposable {
  /** The requested lane, or bulk. */
  readonly lane: Lane
  /** The event of this sequence has created the task. */
  commit(seq: number): void
}

export interface TaskQuota {
  readonly limits: AccountLimits
  /** Null when the account has as many tasks queued as it may. */
  reserve(account: string, lane?: Lane): TaskReservation | null
  /** Forgets all sequences, because a new log has replaced the one that they belong to. */
  forget(): void
}

/**
 * Limits the tasks of each account without a request to the broker: it adds the tasks that the event log counts and
 * the tasks that this gateway has accepted since. Tasks that other gateways have accepted a moment ago are missing, so
 * several gateways together may exceed the limits by a few tasks.
 * @param workers images that all living actors process at once; 0 when no actor is known
 */
export function createTaskQuota(
  counter: TaskCounter,
  limits: AccountLimits,
  workers: () => number = () => 0,
): TaskQuota {
  const uncounted = new Map<string, TaskCounts>()
  const committed = new Map<number, { account: string; lane: Lane }>()

  const add = (account: string, lane: Lane, by: 1 | -1) => {
    const before = uncounted.get(account) ?? none
    const queued = before.queued + by
    if (queued === 0) return void uncounted.delete(account)
    uncounted.set(account, { queued, interactive: before.interactive + (lane === 'interactive' ? by : 0) })
  }
  /** Drops the tasks that the counter includes. */
  const dropCounted = (upTo: number) => {
    for (const [seq, { account, lane }] of committed) {
      // Sequences are nearly in order. One that is out of order is counted twice until those before it are counted.
      if (seq > upTo) return
      committed.delete(seq)
      add(account, lane, -1)
    }
  }

  return {
    limits,
    reserve(account, requested = defaultLane) {
      dropCounted(counter.countedTo)
      const known = counter.countsOf(account)
      const recent = uncounted.get(account) ?? none
      if (known.queued + recent.queued >= limits.accountQueued) return null
      const max = Math.min(limits.accountInteractive, maxInteractive(account, workers()))
      const isBusy = known.interactive + recent.interactive >= max
      const lane = isBusy ? 'bulk' : requested
      add(account, lane, 1)
      let isOpen = true
      return {
        lane,
        commit(seq) {
          isOpen = false
          committed.set(seq, { account, lane })
        },
        [Symbol.dispose]() {
          if (isOpen) add(account, lane, -1)
          isOpen = false
        },
      }
    },
    forget: () => dropCounted(Infinity),
  }
}

/** Without tokens there is one account, which shares the actors with no other. */
function maxInteractive(account: string, workers: number): number {
  return account === localAccount || workers === 0
    ? Number.POSITIVE_INFINITY
    : maxInteractivePerAccount(workers)
}

const none: TaskCounts = { queued: 0, interactive: 0 }
