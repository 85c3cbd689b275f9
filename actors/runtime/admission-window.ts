import { Fault } from '@pixelflow/core/fault'
import type { ActorKind } from '@pixelflow/core/job'
import type { Backlog, BacklogEntry } from '@pixelflow/core/ports/backlog'
import { createRoundRobin, type RoundRobin } from './round-robin.ts'

export interface AdmissionWindowOptions {
  readonly kind: ActorKind
  readonly backlog: Pick<Backlog, 'admitted' | 'admit'>
  /** How many may be in the queue at once, as things stand. */
  readonly widthOf: () => number
  /** And of one account. */
  readonly mostOf: (account: string) => number
}

/** How many are let in side by side: each is three questions to the broker. */
const mostAtOnce = 64

/** Lets into the queue what there is room for. */
export interface AdmissionWindow {
  readonly roundRobin: RoundRobin
  /** Whether the last round left no room, so that those who come have to wait for others to end. */
  readonly isFull: boolean
  /**
   * Fills the room that the queue has by now; returns how many were let in. Not to be called again before it is over.
   * @throws Fault when the queue does not answer or takes no more; who could not be let in waits on.
   */
  round(signal: AbortSignal): Promise<number>
  /** Whether this one waits here or is being let in. */
  knows(seq: number): boolean
}

/** What is in the queue is asked for in each round: a count of one's own would go wrong with every retry and every cancellation. */
export function createAdmissionWindow({
  kind,
  backlog,
  widthOf,
  mostOf,
}: AdmissionWindowOptions): AdmissionWindow {
  const roundRobin = createRoundRobin()
  const underway = new Set<number>()
  let isFull = false

  const admit = async (taken: readonly BacklogEntry[]): Promise<number> => {
    for (const { seq } of taken) underway.add(seq)
    const ends = await Promise.all(
      taken.map(({ seq }) => backlog.admit(seq).catch((thrown: unknown) => Fault.of(thrown))),
    )
    roundRobin.putBack(taken.filter((_, i) => ends[i] === 'full' || ends[i] instanceof Fault))
    underway.clear()
    for (const end of ends) if (end instanceof Fault) throw end
    if (ends.includes('full')) throw new Fault('queue_full', 'The queue takes no more jobs just now.')
    return ends.filter((end) => end === 'admitted').length
  }

  return {
    roundRobin,
    get isFull() {
      return isFull
    },
    async round(signal) {
      const inside = new Map(await backlog.admitted(kind))
      let room = widthOf() - inside.values().reduce((sum, count) => sum + count, 0)
      let admitted = 0
      while (room > 0 && !signal.aborted) {
        const within = (most: (account: string) => number) =>
          roundRobin.take(Math.min(room, mostAtOnce), (account) => most(account) - (inside.get(account) ?? 0))
        // Whoever has nothing in the queue goes before those who have: what comes beside a flood waits for as many as are
        // in the queue, and not for the flood's next one besides.
        const first = within((account) => Math.min(1, mostOf(account)))
        const taken = first.length > 0 ? first : within(mostOf)
        if (taken.length === 0) break
        for (const { account } of taken) inside.set(account, (inside.get(account) ?? 0) + 1)
        const more = await admit(taken)
        room -= more
        admitted += more
      }
      isFull = room <= 0
      return admitted
    },
    knows: (seq) => underway.has(seq) || roundRobin.has(seq),
  }
}
