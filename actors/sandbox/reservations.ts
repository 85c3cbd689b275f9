/**
 * Reserves workers for accounts for which long work of another account was preempted. Without it the long work would take
 * the worker back between two calls, and each call would wait for a new preemption.
 */
export interface Reservations {
  /** Work of another account is preempted for this account. */
  begin(account: string): void
  /** Extends the reservation of an account, if it has one: the account took a worker or gave one back. */
  prolong(account: string): void
  /**
   * Number of idle workers that this account may not take. It is 0 for an account below its fair share, so that
   * reservations of idle accounts keep no other account waiting.
   */
  countUnavailable(account: string): number
  /** Milliseconds until the first reservation ends; undefined without reservations. */
  readonly endsInMs: number | undefined
}

export interface ReservationsOptions {
  /** Number of workers when all are alive. */
  readonly workers: number
  /** How long a reservation lasts without work of its account, in milliseconds. */
  readonly durationMs: number
  /** Number of workers by account, without accounts that hold none. */
  readonly held: ReadonlyMap<string, number>
  readonly now?: () => number
}

interface Reservation {
  untilMs: number
  /** The most workers that the account has held at once since then; no more are reserved for it. */
  most: number
}

export function createReservations({
  workers,
  durationMs,
  held,
  now = () => performance.now(),
}: ReservationsOptions): Reservations {
  const reserved = new Map<string, Reservation>()
  const heldBy = (account: string) => held.get(account) ?? 0
  const expire = () => {
    const at = now()
    for (const [account, { untilMs }] of reserved) if (untilMs <= at) reserved.delete(account)
  }
  const prolong = (account: string) => {
    const reservation = reserved.get(account)
    if (!reservation) return
    reservation.untilMs = now() + durationMs
    reservation.most = Math.max(reservation.most, heldBy(account))
  }

  return {
    begin(account) {
      if (!reserved.has(account)) reserved.set(account, { untilMs: 0, most: 1 })
      prolong(account)
    },
    prolong,
    countUnavailable(account) {
      expire()
      if (reserved.size === 0) return 0
      const accounts = new Set([...held.keys(), ...reserved.keys(), account])
      const share = Math.max(1, Math.ceil(workers / accounts.size))
      if (heldBy(account) < share) return 0
      return reserved
        .entries()
        .filter(([other]) => other !== account)
        .reduce((sum, [other, { most }]) => sum + Math.max(0, Math.min(share, most) - heldBy(other)), 0)
    },
    get endsInMs() {
      expire()
      if (reserved.size === 0) return undefined
      return Math.min(...reserved.values().map(({ untilMs }) => untilMs)) - now()
    },
  }
}
