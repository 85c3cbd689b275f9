import { idempotencyRecord, type IdempotencyRecord } from '@pixelflow/core/idempotency-record'
import { imageRecord, type ImageRecord } from '@pixelflow/core/image'
import { pause } from '@pixelflow/core/pause'
import { within } from '@pixelflow/core/within'
import type { Backlog } from '@pixelflow/core/ports/backlog'
import type { Blobs } from '@pixelflow/core/ports/blobs'
import type { Cancellations } from '@pixelflow/core/ports/cancellations'
import type { DeadLetters } from '@pixelflow/core/ports/dead-letters'
import type { LeaderElection } from '@pixelflow/core/ports/leader-election'
import type { EventLog, Events } from '@pixelflow/core/ports/events'
import type { Queue, Retries, JobConsumer } from '@pixelflow/core/ports/queue'
import type { UndeliverableJobs } from '@pixelflow/core/ports/undeliverable-jobs'
import type { CompareAndSwapRecords } from '@pixelflow/core/ports/compare-and-swap-records'
import type { Records } from '@pixelflow/core/ports/records'
import type { Sweeper } from '@pixelflow/core/ports/sweeper'
import type { Registry } from '@pixelflow/core/ports/registry'
import type { SessionHost, Sessions } from '@pixelflow/core/ports/sessions'
import type { StoreTimeout } from '@pixelflow/core/ports/store-timeout'
import type { OrphanedJobs } from '@pixelflow/core/ports/orphaned-jobs'
import type { Clock } from '@pixelflow/core/ports/clock'
import { createBacklog } from './queue/backlog.ts'
import { createBlobs, type BlobsOptions } from './blobs/blobs.ts'
import { bootstrap } from './topology/bootstrap.ts'
import { migrateStreams } from './topology/migrate-streams.ts'
import type { Broker } from './connection/broker.ts'
import { startBrokerClock } from './connection/broker-clock.ts'
import { createCancellations } from './coordination/cancellations.ts'
import { connect, type ConnectSettings } from './connection/connect.ts'
import { createDeadLetters } from './queue/dead-letters.ts'
import { createLeaderElection } from './coordination/leader-election.ts'
import { createEventLog } from './events/event-log.ts'
import { createEvents } from './events/events.ts'
import { createUndeliverableJobs } from './queue/undeliverable-jobs.ts'
import { createCompareAndSwapRecords } from './records/compare-and-swap-records.ts'
import { readStreamInfo } from './jetstream/read-stream-info.ts'
import { createQueue } from './queue/queue.ts'
import { createRecords } from './records/records.ts'
import { createRegistry } from './coordination/registry.ts'
import { createRetries } from './queue/retries.ts'
import { createSessionHost } from './sessions/session-host.ts'
import { createSessionHub } from './sessions/session-hub.ts'
import { createSessions } from './sessions/sessions.ts'
import { createOrphanedJobs } from './queue/orphaned-jobs.ts'
import { storeTimeout } from './jetstream/store-timeout.ts'
import { createSweeper } from './blobs/sweep/sweeper.ts'
import type { Logger } from '@pixelflow/platform/telemetry/logger'
import { blobBuckets, recordBuckets } from './topology/buckets.ts'
import { streams, type Layout } from './topology/streams.ts'
import { createJobConsumer } from './queue/job-consumer.ts'
import { createWriteCheck, type WriteCheck } from './jetstream/write-check.ts'

export interface AdaptersOptions extends BlobsOptions {
  readonly settings: ConnectSettings & Layout
  /** Name of the connections in the broker's monitoring, e.g. `gateway`. */
  readonly name: string
  readonly log: Logger
  /** Age at which a sweep may remove unreferenced bytes; default an hour. */
  readonly sweepGraceMs?: number
  /** How long to wait for the broker when starting; default 30 s. */
  readonly waitMs?: number
}

export interface Health {
  readonly isUp: boolean
  /** Duration of one request to the store, in milliseconds, when it is up. */
  readonly roundTripMs?: number
  /** Why it is down. */
  readonly reason?: string
}

/** The adapters of all ports. Stop pulling and following before disposing, which closes the connections. */
export interface Adapters extends AsyncDisposable {
  /** The broker's clock. */
  readonly clock: Clock
  /** Uploaded images. */
  readonly sources: Blobs
  /** Outputs of tasks. */
  readonly results: Blobs
  readonly images: Records<ImageRecord>
  /** State of calls with an idempotency key. */
  readonly idempotencyRecords: CompareAndSwapRecords<IdempotencyRecord>
  readonly queue: Queue
  readonly backlog: Backlog
  readonly jobConsumer: JobConsumer
  readonly retries: Retries
  readonly events: Events
  readonly eventLog: EventLog
  readonly cancellations: Cancellations
  readonly leaderElection: LeaderElection
  readonly deadLetters: DeadLetters
  readonly undeliverableJobs: UndeliverableJobs
  readonly orphanedJobs: OrphanedJobs
  readonly sweeper: Sweeper
  readonly registry: Registry
  /** Live sessions, the gateway's side. */
  readonly sessions: Sessions
  /** Live sessions, the actor's side. */
  readonly sessionHost: SessionHost
  /** Bounds how long a call waits for the store. */
  readonly storeTimeout: StoreTimeout
  /** Starts checking that the store commits writes. @param name of this process: letters, digits and dashes */
  checkWrites(name: string): WriteCheck
  /** Whether the broker's store answers; never throws, takes a second at most. */
  health(): Promise<Health>
}

/**
 * Connects, creates or updates the broker's layout, and returns the adapters.
 * @throws Fault `unavailable` when no broker answers or the layout cannot be created.
 */
export async function openAdapters(options: AdaptersOptions): Promise<Adapters> {
  const { settings, log, sweepGraceMs = 3_600_000 } = options
  await using stack = new AsyncDisposableStack()
  const broker = stack.use(await connect(options))
  // A separate connection for blobs, so that a heartbeat or an event never waits behind megabytes of an upload.
  const bytes = stack.use(await connect({ ...options, name: `${options.name}-bytes` }))
  // And one for live sessions, which must wait behind neither.
  const live = stack.use(await connect({ ...options, name: `${options.name}-live` }))
  const hub = stack.use(createSessionHub(live))
  await bootstrap(broker, settings)
  await migrateStreams(broker, log)
  const clock = stack.use(await startBrokerClock(broker))
  stack.defer(bootstrapAfterReconnects(broker, settings, log))
  const deadLetters = createDeadLetters(broker, log)
  const owned = stack.move()
  const events = createEvents(broker, clock, settings)
  return {
    clock,
    sources: createBlobs(bytes, clock, blobBuckets.sources, settings, options),
    results: createBlobs(bytes, clock, blobBuckets.results, settings, {
      ...options,
      // The bytes of a location live as long as the task.
      ...(settings.taskRetentionMs > settings.resultRetentionMs ? { maxInlineBytes: 0 } : {}),
    }),
    idempotencyRecords: createCompareAndSwapRecords(broker, recordBuckets.idempotency, idempotencyRecord),
    images: createRecords(broker, recordBuckets.images, imageRecord, settings),
    queue: createQueue(broker),
    backlog: createBacklog(broker),
    jobConsumer: createJobConsumer(broker, clock, deadLetters, log),
    retries: createRetries(broker, log),
    events,
    eventLog: createEventLog(broker, log),
    cancellations: createCancellations(broker),
    leaderElection: createLeaderElection(broker, log),
    deadLetters,
    undeliverableJobs: createUndeliverableJobs(broker, clock, log),
    orphanedJobs: createOrphanedJobs(broker, clock),
    sweeper: createSweeper(broker, { events, layout: settings, graceMs: sweepGraceMs }),
    registry: createRegistry(broker, clock, log),
    sessions: createSessions(hub),
    sessionHost: createSessionHost(hub, log),
    storeTimeout,
    checkWrites: (name) => createWriteCheck(name, broker, [bytes]),
    health: () => healthOf(broker),
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  }
}

/** Bootstraps again after each reconnect, because the broker may have lost its storage. Returns a function that stops. */
function bootstrapAfterReconnects(broker: Broker, layout: Layout, log: Logger): () => void {
  let isOver = false
  const bootstrapAgain = async () => {
    // Random, because all processes reconnect at the same moment.
    await pause(Math.random() * 200)
    await bootstrap(broker, layout).catch((error: unknown) => {
      if (!isOver) log.error('bootstrap after reconnect failed', { error })
    })
  }
  const stop = broker.onReconnect(() => void bootstrapAgain())
  return () => {
    isOver = true
    stop()
  }
}

async function healthOf(broker: Broker): Promise<Health> {
  const begin = performance.now()
  if (!broker.isConnected) return { isUp: false, reason: 'The broker is not connected.' }
  const info = await within(readStreamInfo(broker, streams.events), 1000).catch(() => undefined)
  if (info === undefined) return { isUp: false, reason: 'The store does not answer.' }
  return { isUp: true, roundTripMs: performance.now() - begin }
}
