/**
 * Keeps children free for accounts that another account's long work was stopped for. Without it that work would take the
 * child back between two calls, and each call would wait again until something is stopped.
 */
export interface Reservations {
  /** Work of another account is stopped for work of this account. */
  begin(account: string): void
  /** The account has been given a child, or has given one back. Prolongs its reservation where it has one. */
  prolong(account: string): void
  /**
   * Idle children that are not for this account. An account that holds less than its fair share may take each of them,
   * so that reservations of accounts that are away keep no other account waiting.
   */
  keptFrom(account: string): number
  /** Milliseconds until the first one ends; undefined when there is none. */
  readonly endsInMs: number | undefined
}

export interface ReservationsOptions {
  /** Children that there are when all are alive. */
  readonly children: number
  /** How long a reservation lasts without work of its account, in milliseconds. */
  readonly keepMs: number
  /** Children that each account holds; those that hold none are missing. */
  readonly held: ReadonlyMap<string, number>
  readonly now?: () => number
}

interface Reservation {
  untilMs: number
  /** The most children that the account has held at once meanwhile: no more are kept for it. */
  most: number
}

export function createReservations({
  children,
  keepMs,
  held,
  now = () => performance.now(),
}: ReservationsOptions): Reservations {
  const reserved = new Map<string, Reservation>()
  const heldBy = (account: string) => held.get(account) ?? 0
  const forget = () => {
    const at = now()
    for (const [account, { untilMs }] of reserved) if (untilMs <= at) reserved.delete(account)
  }
  const prolong = (account: string) => {
    const reservation = reserved.get(account)
    if (!reservation) return
    reservation.untilMs = now() + keepMs
    reservation.most = Math.max(reservation.most, heldBy(account))
  }

  return {
    begin(account) {
      if (!reserved.has(account)) reserved.set(account, { untilMs: 0, most: 1 })
      prolong(account)
    },
    prolong,
    keptFrom(account) {
      forget()
      if (reserved.size === 0) return 0
      const accounts = new Set([...held.keys(), ...reserved.keys(), account])
      const share = Math.max(1, Math.ceil(children / accounts.size))
      if (heldBy(account) < share) return 0
      return reserved
        .entries()
        .filter(([other]) => other !== account)
        .reduce((sum, [other, { most }]) => sum + Math.max(0, Math.min(share, most) - heldBy(other)), 0)
    },
    get endsInMs() {
      forget()
      if (reserved.size === 0) return undefined
      return Math.min(...reserved.values().map(({ untilMs }) => untilMs)) - now()
    },
  }
}
