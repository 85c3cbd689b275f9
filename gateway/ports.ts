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
import type { SharedCache } from '@pixelflow/platform/shared-cache/shared-cache'
import type { SharedFiles } from '@pixelflow/platform/shared-files/shared-files'
import type { WritePositions } from './consistency/write-positions.ts'
import type { TaskQuota } from './limits/task-quota.ts'

/** What the use cases run on. Each use case picks the ports that it needs. */
export interface Ports {
  readonly images: Records<ImageRecord>
  /** One record for each idempotency key. */
  readonly idempotencyRecords: CompareAndSwapRecords<IdempotencyRecord>
  /** Bytes of uploaded images. */
  readonly sources: Blobs
  /** Bytes of task outputs. */
  readonly results: Blobs
  /** Copies of such bytes, for the actors of this machine. */
  readonly sharedCache: Pick<SharedCache, 'remove'>
  readonly events: Events
  readonly queue: Queue
  readonly deadLetters: DeadLetters
  readonly cancellations: Pick<Cancellations, 'publish'>
  /** Live sessions with actors that have free workers. */
  readonly sessions: Sessions
  /** Limits how long a call waits for the store. */
  readonly storeTimeout: StoreTimeout
  /** The actors that are alive. */
  readonly roster: Pick<Roster, 'actors'>
  readonly index: Pick<TaskIndex, 'list' | 'find' | 'sequence'>
  readonly follower: EventFollower
  readonly writePositions: WritePositions
  readonly taskQuota: TaskQuota
  /** Called once for each task that this gateway has accepted. */
  readonly onTaskAccepted: (task: Task) => void
  readonly server: ServerDescription
  readonly limits: ImageLimits
  readonly tuning: TuningLimits
  readonly inline: InlineProcessing
}

/** What the server says of itself. */
export interface ServerDescription {
  readonly version: string
  /** The credentials that calls need. */
  readonly auth: 'none' | 'token' | 'certificate'
}

export interface ImageLimits {
  readonly maxUploadBytes: number
  readonly maxPixels: number
}

/** Limits of calls that return the processed image in their response. */
export interface InlineProcessing {
  /** A larger file is stored and processed as a task. */
  readonly maxBytes: number
  /** Longest time that a call waits for the image. */
  readonly timeoutMs: number
  /** Bytes of all such calls together; a file that does not fit is stored and processed as a task. */
  readonly memory: { tryAcquire(bytes: number): boolean; release(bytes: number): void }
  /** Where such files are kept, so that actors of this machine read them; their bytes count as memory. */
  readonly files: Pick<SharedFiles, 'create'>
}

export interface TuningLimits {
  /** Sessions that an account may have open at once on this gateway. */
  readonly sessionsPerAccount: number
  /** A session without a client message for so long is ended. */
  readonly idleTimeoutMs: number
  /** Aborts when this gateway stops, with a fault that asks the client to reconnect. */
  readonly stopping: AbortSignal
}

/** The gateway's single follower of the event log, as use cases see it. */
export interface EventFollower {
  /** Live events of one task, from now on. */
  subscribe(account: string, task: string): Subscription
  /**
   * The events of a task from its first one up to where this gateway has followed the log; undefined for most tasks that
   * are not recent. Newer events arrive through a subscription.
   */
  recentHistory(account: string, task: string): readonly StoredEvent[] | undefined
  /** Adds the first event of a task that this gateway has appended, before the log sends it. */
  addFirstEvent(event: StoredEvent): void
  /** Identity of the log that the task list is built from; empty before the first. */
  readonly logId: string
  /** Identity and end of the log; undefined when the broker does not answer in time. */
  readHead(withinMs: number): Promise<LogHead | undefined>
  /** Waits until the task list includes everything up to `seq` of the log with that hash; false after `withinMs`. */
  waitForSequence(seq: number, withinMs: number, logHash?: string): Promise<boolean>
  /**
   * Waits until the task list includes everything that is in the log now; false after `withinMs`, or when the broker
   * does not answer in that time.
   */
  waitForHead(withinMs: number): Promise<boolean>
  /** Waits until the task list includes everything that was in the log when the gateway started; false after `withinMs`. */
  waitForCatchUp(withinMs: number): Promise<boolean>
}

export interface Subscription extends Disposable {
  /**
   * The next events, in order, at least one; `missed` when this reader was too slow and must read the history; null when
   * the signal aborts or the gateway stops.
   */
  next(signal: AbortSignal): Promise<readonly StoredEvent[] | 'missed' | null>
}
