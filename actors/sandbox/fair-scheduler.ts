/** One piece of work that waits for a child or holds one. */
export interface Contender {
  readonly account: string
  /** Work that yields is served after all other work, and stops none. */
  readonly yields: boolean
}

/** Decides which waiting work gets the next child, and which running work is stopped, so that no account crowds out another. */
export interface FairScheduler {
  /** Children that each account holds; those that hold none are missing. */
  readonly held: ReadonlyMap<string, number>
  /** The account has been given a child. */
  take(account: string): void
  /** The account has given a child back. */
  give(account: string): void
  /**
   * Position of the work that gets the next child: of the account that holds the fewest children, then of the account
   * whose last turn is longest ago, then in the order given. -1 when nothing waits.
   */
  next(waiting: readonly Contender[]): number
  /**
   * Running work to stop so that `waiter` gets a child: the newest of the account that holds the most children, if that
   * account holds more than its fair share and the waiter's account less. Undefined when no account holds too much.
   * An account's oldest work is never chosen while it has others, so each piece of work is finished in the end, however
   * often it was stopped before.
   */
  selectVictim<R extends Contender>(
    waiter: Contender,
    waiting: readonly Contender[],
    running: Iterable<R>,
    children: number,
  ): R | undefined
}

export function createFairScheduler(): FairScheduler {
  const held = new Map<string, number>()
  /** When an account last had its turn; kept only while there is contention, so it stays small. */
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
      const rank = ({ account, yields }: Contender) =>
        [Number(yields), heldBy(account), lastTurn.get(account) ?? 0] as const
      const ranks = waiting.map(rank)
      return ranks.reduce((best, own, i) => (isLess(own, ranks[best] ?? own) ? i : best), 0)
    },
    selectVictim(waiter, waiting, running, children) {
      if (waiter.yields) return undefined
      const urgent = waiting.filter(({ yields }) => !yields)
      const accounts = new Set([...held.keys(), ...urgent.map(({ account }) => account), waiter.account])
      const share = Math.max(1, Math.ceil(children / accounts.size))
      if (heldBy(waiter.account) >= share) return undefined
      const greedy = [...running].filter(({ account }) => heldBy(account) > share)
      const most = Math.max(...greedy.map(({ account }) => heldBy(account)))
      const candidates = greedy.filter(({ account }) => heldBy(account) === most)
      return candidates.findLast(({ yields }) => yields) ?? candidates.at(-1)
    },
  }
}

function isLess(one: readonly number[], other: readonly number[]): boolean {
  const at = one.findIndex((value, i) => value !== other[i])
  return at >= 0 && (one[at] ?? 0) < (other[at] ?? 0)
}
