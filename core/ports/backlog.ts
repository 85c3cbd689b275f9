import type { ActorKind } from '../actor-kinds.ts'

/** A bulk job that waits to be admitted to the queue. */
export interface BacklogEntry {
  readonly account: string
  /** Its sequence in the backlog: later entries have a higher one. */
  readonly seq: number
}

/** `gone`: the job no longer waits. `full`: the queue takes no more at the moment. */
export type AdmitResult = 'admitted' | 'gone' | 'full'

/** Where bulk jobs wait, so that a dispatcher can admit them fairly. */
export interface Backlog {
  /**
   * The waiting jobs of a kind, oldest first and each once, then new ones, until `signal` aborts. An entry may be gone
   * when it is read.
   * @throws Fault `precondition_failed` when the backlog was recreated: sequences have a new meaning from then on.
   */
  follow(kind: ActorKind, signal: AbortSignal): AsyncIterable<BacklogEntry>
  /** How many bulk jobs of a kind each account has in the queue, waiting for an actor or leased by one. */
  admitted(kind: ActorKind): Promise<ReadonlyMap<string, number>>
  /** Admits one job to the queue. Idempotent, also when two processes admit the same job at once. */
  admit(seq: number): Promise<AdmitResult>
  /** Calls back when an actor has settled a bulk job; calls may be missed. Returns a function that unsubscribes. */
  onJobSettled(kind: ActorKind, callback: () => void): () => void
  /** The entry of a kind that has waited longest, and since when; null when nothing waits. */
  oldest(kind: ActorKind): Promise<{ seq: number; since: Date } | null>
  /** How many jobs of a kind wait. */
  count(kind: ActorKind): Promise<number>
}
