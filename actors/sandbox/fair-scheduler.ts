/** A work item that waits for a worker or holds one. */
export interface Contender {
  readonly account: string
  /** Low-priority work is served after all other work, and preempts none. */
  readonly isLowPriority: boolean
}

/** Decides which waiting work gets the next worker, and which running work is preempted, so that accounts share fairly. */
export interface FairScheduler {
  /** Number of workers by account, without accounts that hold none. */
  readonly held: ReadonlyMap<string, number>
  /** Counts a worker that the account gets. */
  take(account: string): void
  /** Counts a worker that the account gives back. */
  give(account: string): void
  /**
   * Index of the work that gets the next worker: of the account that holds the fewest workers, then of the account whose
   * last turn is longest ago, then in the given order. -1 when nothing waits.
   */
  next(waiting: readonly Contender[]): number
  /**
   * Running work to preempt so that `waiter` gets a worker: the newest of the account that holds the most workers, if
   * that account holds more than its fair share and the waiter's account less; else undefined. The oldest work of an
   * account is not chosen while the account runs other work, so each work item completes eventually.
   */
  selectVictim<R extends Contender>(
    waiter: Contender,
    waiting: readonly Contender[],
    running: Iterable<R>,
    workers: number,
  ): R | undefined
}

export function createFairScheduler(): FairScheduler {
  const held = new Map<string, number>()
  /** Number of the last turn of each account. Entries exist only under contention, so the map stays small. */
  const lastTurn = new Map<string, number>()
  let turn = 0
  const heldBy = (account: string) => held.get(account) ?? 0

  return {
    held,
    take(account) {
      held.set(account, heldBy(account) + 1)
      lastTurn.set(account, (turn += 1))
    },
    give(account) {
      const left = heldBy(account) - 1
      if (left > 0) held.set(account, left)
      else held.delete(account)
    },
    next(waiting) {
      if (waiting.length === 0) {
        for (const account of lastTurn.keys()) if (!held.has(account)) lastTurn.delete(account)
        return -1
      }
      const rank = ({ account, isLowPriority }: Contender) =>
        [Number(isLowPriority), heldBy(account), lastTurn.get(account) ?? 0] as const
      const ranks = waiting.map(rank)
      return ranks.reduce((best, own, i) => (isLess(own, ranks[best] ?? own) ? i : best), 0)
    },
    selectVictim(waiter, waiting, running, workers) {
      if (waiter.isLowPriority) return undefined
      const urgent = waiting.filter(({ isLowPriority }) => !isLowPriority)
      const accounts = new Set([...held.keys(), ...urgent.map(({ account }) => account), waiter.account])
      const share = Math.max(1, Math.ceil(workers / accounts.size))
      if (heldBy(waiter.account) >= share) return undefined
      const aboveShare = [...running].filter(({ account }) => heldBy(account) > share)
      const most = Math.max(...aboveShare.map(({ account }) => heldBy(account)))
      const candidates = aboveShare.filter(({ account }) => heldBy(account) === most)
      return candidates.findLast(({ isLowPriority }) => isLowPriority) ?? candidates.at(-1)
    },
  }
}

function isLess(one: readonly number[], other: readonly number[]): boolean {
  const at = one.findIndex((value, i) => value !== other[i])
  return at >= 0 && (one[at] ?? 0) < (other[at] ?? 0)
}
