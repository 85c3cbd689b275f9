import { Fault } from '@pixelflow/core/fault'
import type { ActorKind } from '@pixelflow/core/actor-kinds'
import type { Backlog, BacklogEntry } from '@pixelflow/core/ports/backlog'
import { createRoundRobin, type RoundRobin } from './round-robin.ts'

export interface AdmissionWindowOptions {
  readonly kind: ActorKind
  readonly backlog: Pick<Backlog, 'admitted' | 'admit'>
  /** Current limit of bulk jobs in the queue. */
  readonly sizeOf: () => number
  /** Limit of bulk jobs of one account in the queue. */
  readonly maxAdmittedOf: (account: string) => number
}

/** Jobs that are admitted in parallel; each takes three requests to the broker. */
const maxParallel = 64

/** Admits waiting bulk jobs into the queue, up to a limit. */
export interface AdmissionWindow {
  readonly waiting: RoundRobin
  /** Whether the last round filled the window, so that new jobs wait until others end. */
  readonly isFull: boolean
  /**
   * Fills the window, until the queue is full. Jobs that were not admitted keep waiting. Rounds must not overlap.
   * @throws Fault when the queue does not answer.
   */
  fill(signal: AbortSignal): Promise<WindowRound>
  /** Whether a job waits here or is being admitted. */
  has(seq: number): boolean
}

/** The result of one round. */
export interface WindowRound {
  /** Number of admitted jobs. */
  readonly admitted: number
  /** Whether the queue refused jobs because it is full. */
  readonly isQueueFull: boolean
}

/** Each round asks the broker for the admitted jobs: a local count would drift with every retry and cancellation. */
export function createAdmissionWindow(options: AdmissionWindowOptions): AdmissionWindow {
  const { kind, backlog, sizeOf, maxAdmittedOf } = options
  const waiting = createRoundRobin()
  const pending = new Set<number>()
  let isFull = false

  const admit = async (taken: readonly BacklogEntry[]): Promise<WindowRound> => {
    for (const { seq } of taken) pending.add(seq)
    const results = await Promise.all(
      taken.map(({ seq }) => backlog.admit(seq).catch((thrown: unknown) => Fault.of(thrown))),
    )
    waiting.putBack(taken.filter((_, i) => results[i] === 'full' || results[i] instanceof Fault))
    pending.clear()
    for (const result of results) if (result instanceof Fault) throw result
    return {
      admitted: results.filter((result) => result === 'admitted').length,
      isQueueFull: results.includes('full'),
    }
  }

  return {
    waiting,
    get isFull() {
      return isFull
    },
    async fill(signal) {
      const admittedOf = new Map(await backlog.admitted(kind))
      let free = sizeOf() - admittedOf.values().reduce((sum, count) => sum + count, 0)
      let admitted = 0
      while (free > 0 && !signal.aborted) {
        const takeUpTo = (limitOf: (account: string) => number) =>
          waiting.take(
            Math.min(free, maxParallel),
            (account) => limitOf(account) - (admittedOf.get(account) ?? 0),
          )
        // Accounts without an admitted job go first. Beside a flood of another account, a new job then waits for the
        // admitted jobs only, and not for one more of the flood.
        const first = takeUpTo((account) => Math.min(1, maxAdmittedOf(account)))
        const taken = first.length > 0 ? first : takeUpTo(maxAdmittedOf)
        if (taken.length === 0) break
        for (const { account } of taken) admittedOf.set(account, (admittedOf.get(account) ?? 0) + 1)
        const round = await admit(taken)
        free -= round.admitted
        admitted += round.admitted
        if (round.isQueueFull) return { admitted, isQueueFull: true }
      }
      isFull = free <= 0
      return { admitted, isQueueFull: false }
    },
    has: (seq) => pending.has(seq) || waiting.has(seq),
  }
}
