import { maxInteractivePerAccount } from '@pixelflow/core/actor'
import { defaultLane, type Lane } from '@pixelflow/core/job'
import { localAccount } from '@pixelflow/core/principal'

/** Tasks of one account that have not ended. */
export interface TaskCounts {
  /** Those that nobody works on yet, whichever lane they wait in. */
  readonly queued: number
  /** Those of the interactive lane, waiting or worked on. */
  readonly interactive: number
}

/** What is counted of all accounts, by whoever reads the event log. */
export interface TaskCounter {
  countsOf(account: string): TaskCounts
  /** Sequence of the last event that is counted. */
  readonly countedTo: number
}

/** How much of one account may be under way at once. */
export interface AccountLimits {
  /** Interactive tasks; what comes beyond them waits in bulk. */
  readonly accountInteractive: number
  /** Tasks that wait; what comes beyond them is refused. */
  readonly accountQueued: number
}

/** Room for one more task; disposing gives it back, unless it was taken. */
export interface Place extends Disposable {
  /** The lane that was asked for, or bulk. */
  readonly lane: Lane
  /** A task has it, by the event of that sequence. */
  taken(seq: number): void
}

export interface TaskQuota {
  readonly limits: AccountLimits
  /** Room for a task of the account; null when it has as many waiting as it may have. */
  reserve(account: string, lane?: Lane): Place | null
  /** Sequences of before mean nothing any more: the log was made anew. */
  forget(): void
}

/**
 * Knows how much of each account is under way, without asking anybody: what is counted of the event log, and what has been
 * accepted here and is not counted yet. Tasks that other gateways have accepted a moment ago are missing, so several
 * gateways together may let through a few more than the limits say.
 * @param workers images that all living actors work on at once; 0 when no actor is known
 */
export function createTaskQuota(
  counted: TaskCounter,
  limits: AccountLimits,
  workers: () => number = () => 0,
): TaskQuota {
  const ours = new Map<string, TaskCounts>()
  const taken = new Map<number, { account: string; lane: Lane }>()

  const add = (account: string, lane: Lane, by: 1 | -1) => {
    const before = ours.get(account) ?? nothing
    const queued = before.queued + by
    if (queued === 0) return void ours.delete(account)
    ours.set(account, { queued, interactive: before.interactive + (lane === 'interactive' ? by : 0) })
  }
  /** Whatever stands in the log up to there is counted elsewhere from now on. */
  const settle = (upTo: number) => {
    for (const [seq, { account, lane }] of taken) {
      // Nearly in order: what comes out of it waits for those before it, and is counted twice meanwhile.
      if (seq > upTo) return
      taken.delete(seq)
      add(account, lane, -1)
    }
  }

  return {
    limits,
    reserve(account, wanted = defaultLane) {
      settle(counted.countedTo)
      const known = counted.countsOf(account)
      const here = ours.get(account) ?? nothing
      if (known.queued + here.queued >= limits.accountQueued) return null
      const most = Math.min(limits.accountInteractive, mostInteractive(account, workers()))
      const isBusy = known.interactive + here.interactive >= most
      const lane = isBusy ? 'bulk' : wanted
      add(account, lane, 1)
      let isOpen = true
      return {
        lane,
        taken(seq) {
          isOpen = false
          taken.set(seq, { account, lane })
        },
        [Symbol.dispose]() {
          if (isOpen) add(account, lane, -1)
          isOpen = false
        },
      }
    },
    forget: () => settle(Infinity),
  }
}

/** The one account of a machine without tokens has no other to share with. */
function mostInteractive(account: string, workers: number): number {
  return account === localAccount || workers === 0
    ? Number.POSITIVE_INFINITY
    : maxInteractivePerAccount(workers)
}

const nothing: TaskCounts = { queued: 0, interactive: 0 }
