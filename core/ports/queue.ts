import type { ActorKind, Job, Lane } from '../job.ts'

/** Where work is handed in. */
export interface Queue {
  /**
   * Queues a job unless the same job (kind, lane, account, task, stage) is already queued or being worked on,
   * however long ago that one came: then `duplicate`. A bulk job waits in the backlog until it is let in.
   * @throws Fault `queue_full` when the queue takes no more, `unavailable` when the broker does not answer.
   */
  submit(job: Job): Promise<'queued' | 'duplicate'>
  /** Takes a job out, whether it waits or is leased; harmless when it is gone. */
  remove(job: Job): Promise<void>
}

/** A job that this process holds. It returns to the queue by itself when nobody calls `extend` for a while. */
export interface Lease {
  readonly job: Job
  /** Which attempt this is, from 1, as far as the queue knows: deliveries that came to nothing count, too. */
  readonly attempt: number
  /** How often `extend` must be called, in milliseconds, with a good margin. */
  readonly extendEveryMs: number
  extend(): Promise<void>
  /** The work is over, well or badly: takes the job out of the queue. */
  done(): Promise<void>
  /**
   * Gives the job back, to come again after `delayMs` as one that `attempts` attempts were made at. Until then it is
   * neither queued nor leased.
   */
  retry(delayMs: number, attempts: number): Promise<void>
}

/** Jobs that wait for their next attempt. */
export interface Retries {
  /** Brings those into the queue whose time has come, until `signal` aborts. Any number of processes may do this. */
  forward(signal: AbortSignal): Promise<void>
}

/** Where work is taken out. */
export interface WorkSource {
  /**
   * The next job of a kind, waiting for one as long as it takes; null once `signal` aborts. Nothing is fetched ahead:
   * a process holds only what it asked for. More urgent lanes come first; with `only`, the others not at all.
   */
  next(kind: ActorKind, signal: AbortSignal, only?: Lane): Promise<Lease | null>
}

/** A task that was about to be accepted, seen again some time later so that its job can be checked for. */
export interface Accepted {
  readonly account: string
  readonly task: string
  /** How long ago that was; its first event was written right after, if at all. */
  readonly ageMs: number
  /** It is taken care of; it will not be seen again. */
  settle(): Promise<void>
}

/** The acceptance log, shared by all processes that read it: each entry goes to one of them, `afterMs` old or older. */
export interface AcceptanceLog {
  accepted(signal: AbortSignal): AsyncIterable<Accepted>
}
