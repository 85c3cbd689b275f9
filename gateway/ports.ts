import type { StoredEvent } from '@pixelflow/core/event'
import type { IdempotencyRecord } from '@pixelflow/core/idempotency-record'
import type { ImageRecord } from '@pixelflow/core/image'
import type { Blobs } from '@pixelflow/core/ports/blobs'
import type { Cancellations } from '@pixelflow/core/ports/cancellations'
import type { DeadLetters } from '@pixelflow/core/ports/dead-letters'
import type { Events, LogHead } from '@pixelflow/core/ports/events'
import type { CompareAndSwapRecords } from '@pixelflow/core/ports/compare-and-swap-records'
import type { Queue } from '@pixelflow/core/ports/queue'
import type { Roster } from '@pixelflow/core/ports/registry'
import type { Records } from '@pixelflow/core/ports/records'
import type { Sessions } from '@pixelflow/core/ports/sessions'
import type { StoreTimeout } from '@pixelflow/core/ports/store-timeout'
import type { Task } from '@pixelflow/core/task'
import type { TaskIndex } from '@pixelflow/core/ports/task-index'
import type { WritePositions } from './consistency/write-positions.ts'
import type { TaskQuota } from './limits/task-quota.ts'

/** Everything use-cases stand on; each takes the few it needs. */
export interface Ports {
  readonly images: Records<ImageRecord>
  /** What is known of calls with an idempotency key. */
  readonly keys: CompareAndSwapRecords<IdempotencyRecord>
  /** Bytes of uploaded images. */
  readonly sources: Blobs
  /** Bytes of finished outputs. */
  readonly results: Blobs
  readonly events: Events
  readonly queue: Queue
  readonly deadLetters: DeadLetters
  readonly cancellations: Pick<Cancellations, 'publish'>
  /** Live conversations with actors that have room. */
  readonly sessions: Sessions
  /** Bounds how long a call waits for the store. */
  readonly storeTimeout: StoreTimeout
  /** The actors that are there. */
  readonly roster: Pick<Roster, 'actors'>
  readonly index: Pick<TaskIndex, 'list'>
  readonly follower: EventFollower
  readonly writes: WritePositions
  readonly taskQuota: TaskQuota
  /** Told of each task that was accepted here, once. */
  readonly accepted: (task: Task) => void
  readonly limits: ImageLimits
  readonly tuning: Tuning
  readonly inline: InlineProcessing
}

export interface ImageLimits {
  readonly maxUploadBytes: number
  readonly maxPixels: number
}

/** For calls whose answer is the picture itself. */
export interface InlineProcessing {
  /** A larger file goes by way of the store. */
  readonly maxBytes: number
  /** How long a caller waits for the picture at most. */
  readonly timeoutMs: number
  /** Bytes of all such calls together; what does not fit goes by way of the store, too. */
  readonly memory: { tryTake(bytes: number): boolean; give(bytes: number): void }
}

/** Bounds of live tuning. */
export interface Tuning {
  /** Sessions that an account may have open at once. */
  readonly sessionsPerAccount: number
  /** How long a session may go without a word of its client. */
  readonly idleTimeoutMs: number
  /** Aborts, with a fault that says where to go on, when this gateway stops. */
  readonly stopping: AbortSignal
}

/** What the gateway's one follower of the event log offers to those who wait for something. */
export interface EventFollower {
  /** Live events of one task from now on. */
  subscribe(account: string, task: string): Subscription
  /** Which log the task list is folded from; empty while from none. */
  readonly log: string
  /** Which log there is, and how far it goes; undefined when it does not say so in time. */
  head(withinMs: number): Promise<LogHead | undefined>
  /** Whether the task list has everything up to `seq`, of the log with that mark, waiting for it for a while. */
  reached(seq: number, withinMs: number, mark?: string): Promise<boolean>
  /**
   * Whether the task list has all that is in the log by now, waiting for it for a while; also false when the log does not
   * say in that time how far it goes.
   */
  current(withinMs: number): Promise<boolean>
  /** Whether the task list holds all that was there when the gateway began to follow, waiting for it for a while. */
  caughtUp(withinMs: number): Promise<boolean>
}

export interface Subscription extends Disposable {
  /**
   * The next live event, in order; `missed` when this reader was too slow and has to look into the history; null when
   * the signal aborts or the gateway stops.
   */
  next(signal: AbortSignal): Promise<StoredEvent | 'missed' | null>
}
