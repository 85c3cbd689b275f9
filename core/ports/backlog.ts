import type { ActorKind } from '../job.ts'

/** A bulk job that waits to be let into the queue: whose it is, and by which number it is known. */
export interface Waiting {
  readonly account: string
  /** Higher for those that came later. */
  readonly ticket: number
}

/** How an admission ended: `gone` when the job does not wait any more, `full` when the queue takes no more just now. */
export type Admission = 'admitted' | 'gone' | 'full'

/** Where bulk jobs wait, so that whoever lets them in can choose whose turn it is. */
export interface Backlog {
  /**
   * What waits of a kind, each once, the oldest first, then what comes, until `signal` aborts. Some of it may be gone
   * by then.
   * @throws Fault `precondition_failed` when the backlog was made anew: tickets mean something else from then on.
   */
  follow(kind: ActorKind, signal: AbortSignal): AsyncIterable<Waiting>
  /** How many bulk jobs of a kind each account has in the queue, waiting for an actor or held by one. */
  admitted(kind: ActorKind): Promise<ReadonlyMap<string, number>>
  /** Lets one into the queue. Harmless when it is done twice, also by two processes at once. */
  admit(ticket: number): Promise<Admission>
  /** Calls back when an actor is through with a bulk job; some of it may be missed. Returns what stops it. */
  onRoom(kind: ActorKind, heard: () => void): () => void
  /** The one of a kind that has waited longest, and since when; null when nothing waits. */
  oldest(kind: ActorKind): Promise<{ ticket: number; since: Date } | null>
  /** How many of a kind wait. */
  count(kind: ActorKind): Promise<number>
}
