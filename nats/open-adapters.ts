import { idempotencyRecord, type IdempotencyRecord } from '@pixelflow/core/idempotency-record'
import { imageRecord, type ImageRecord } from '@pixelflow/core/image'
import { pause } from '@pixelflow/core/pause'
import type { Backlog } from '@pixelflow/core/ports/backlog'
import type { Blobs } from '@pixelflow/core/ports/blobs'
import type { Cancellations } from '@pixelflow/core/ports/cancellations'
import type { DeadLetters } from '@pixelflow/core/ports/dead-letters'
import type { LeaderElection } from '@pixelflow/core/ports/leader-election'
import type { EventLog, Events } from '@pixelflow/core/ports/events'
import type { Queue, Retries, WorkSource } from '@pixelflow/core/ports/queue'
import type { TaskOutbox } from '@pixelflow/core/ports/task-outbox'
import type { UndeliverableJobs } from '@pixelflow/core/ports/undeliverable-jobs'
import type { CompareAndSwapRecords } from '@pixelflow/core/ports/compare-and-swap-records'
import type { Records } from '@pixelflow/core/ports/records'
import type { Sweeper } from '@pixelflow/core/ports/sweeper'
import type { Registry } from '@pixelflow/core/ports/registry'
import type { SessionHost, Sessions } from '@pixelflow/core/ports/sessions'
import type { StoreTimeout } from '@pixelflow/core/ports/store-timeout'
import type { OrphanedJobs } from '@pixelflow/core/ports/orphaned-jobs'
import type { Clock } from '@pixelflow/core/ports/clock'
import { createTaskOutbox } from './queue/task-outbox.ts'
import { createBacklog } from './queue/backlog.ts'
import { createBlobs, type BlobsOptions } from './blobs/blobs.ts'
import { bootstrap } from './topology/bootstrap.ts'
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
import { streamInfo } from './jetstream/jetstream-api.ts'
import { createQueue } from './queue/queue.ts'
import { createRecords } from './records/records.ts'
import { createRegistry } from './coordination/registry.ts'
import { createRetries } from './queue/retries.ts'
import { createSessionHost } from './sessions/host.ts'
import { createSessionHub } from './sessions/hub.ts'
import { createSessions } from './sessions/sessions.ts'
import { createOrphanedJobs } from './queue/orphaned-jobs.ts'
import { storeTimeout } from './jetstream/store-timeout.ts'
import { createSweeper } from './blobs/sweep/sweeper.ts'
import type { Logger } from '@pixelflow/platform/telemetry/logger'
import { blobBuckets, recordBuckets, streams, type Layout } from './topology/topology.ts'
import { createWorkSource } from './queue/work-source.ts'
import { createWriteCheck, type WriteCheck } from './jetstream/write-check.ts'

export interface AdaptersOptions extends BlobsOptions {
  readonly settings: ConnectSettings & Layout
  /** What the connection is called in the broker's views, e.g. `gateway`. */
  readonly name: string
  readonly log: Logger
  /** How old an acceptance is before it is shown to a reconciler; default 10 s. */
  readonly reconcileAfterMs?: number
  /** How old something must be before a sweep may take it for forgotten; default an hour. */
  readonly sweepGraceMs?: number
  /** How long to wait for the broker at the start; default 30 s. */
  readonly waitMs?: number
}

export interface Health {
  readonly isUp: boolean
  /** Time of one exchange with the broker's store, in milliseconds, when it is up. */
  readonly roundTripMs?: number
  /** Why it is not up. */
  readonly reason?: string
}

/** Every port. Disposing closes the connections; what is pulled or followed must have been stopped before. */
export interface Adapters extends AsyncDisposable {
  /** The broker's time. */
  readonly clock: Clock
  /** Uploaded images. */
  readonly sources: Blobs
  /** Outputs of tasks. */
  readonly results: Blobs
  readonly images: Records<ImageRecord>
  /** Calls that may be made again under the same idempotency key. */
  readonly keys: CompareAndSwapRecords<IdempotencyRecord>
  readonly queue: Queue
  readonly backlog: Backlog
  readonly work: WorkSource
  readonly retries: Retries
  readonly outbox: TaskOutbox
  readonly events: Events
  readonly eventLog: EventLog
  readonly cancellations: Cancellations
  readonly leaderElection: LeaderElection
  readonly deadLetters: DeadLetters
  readonly undeliverableJobs: UndeliverableJobs
  readonly orphanedJobs: OrphanedJobs
  readonly sweeper: Sweeper
  readonly registry: Registry
  /** Live sessions, the end of a gateway. */
  readonly sessions: Sessions
  /** Live sessions, the end of an actor. */
  readonly sessionHost: SessionHost
  /** Bounds how long a call waits for all of these together. */
  readonly storeTimeout: StoreTimeout
  /** Proves from now on that the store takes writes. @param name of this process, of letters, digits and dashes */
  checkWrites(name: string): WriteCheck
  /** Whether the broker's store answers just now; never throws, takes a second at most. */
  health(): Promise<Health>
}

/**
 * Connects, brings the broker to our layout, and hands out the ports.
 * @throws Fault `unavailable`, with a remedy, when there is no broker or it is not fit for us.
 */
export async function openAdapters(options: AdaptersOptions): Promise<Adapters> {
  const { settings, log, reconcileAfterMs = 10_000, sweepGraceMs = 3_600_000 } = options
  await using stack = new AsyncDisposableStack()
  const broker = stack.use(await connect(options))
  // Bytes go their own way, so that a heartbeat or an event never waits behind megabytes of an upload.
  const bytes = stack.use(await connect({ ...options, name: `${options.name}-bytes` }))
  // And whoever waits for a live answer waits behind neither.
  const live = stack.use(await connect({ ...options, name: `${options.name}-live` }))
  const hub = stack.use(createSessionHub(live))
  await bootstrap(broker, settings)
  const clock = stack.use(await startBrokerClock(broker))
  stack.defer(rebuildAfterBreaks(broker, settings, log))
  const deadLetters = createDeadLetters(broker, log)
  const owned = stack.move()
  const events = createEvents(broker, clock, settings)
  return {
    clock,
    sources: createBlobs(bytes, clock, blobBuckets.sources, settings, options),
    results: createBlobs(bytes, clock, blobBuckets.results, settings, options),
    keys: createCompareAndSwapRecords(broker, recordBuckets.keys, idempotencyRecord),
    images: createRecords(broker, recordBuckets.images, imageRecord, settings),
    queue: createQueue(broker),
    backlog: createBacklog(broker),
    work: createWorkSource(broker, clock, deadLetters, log),
    retries: createRetries(broker, log),
    outbox: createTaskOutbox(broker, clock, reconcileAfterMs),
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

/** A broker may come back without its store: then the layout has to be made anew. Returns what ends the watch. */
function rebuildAfterBreaks(broker: Broker, layout: Layout, log: Logger): () => void {
  let isOver = false
  const rebuild = async () => {
    // All processes come back at the same moment.
    await pause(Math.random() * 200)
    await bootstrap(broker, layout).catch((error: unknown) => {
      if (!isOver) log.error('layout could not be renewed', { error })
    })
  }
  const stop = broker.onReconnect(() => void rebuild())
  return () => {
    isOver = true
    stop()
  }
}

async function healthOf(broker: Broker): Promise<Health> {
  const begin = performance.now()
  if (!broker.isConnected) return { isUp: false, reason: 'The broker is away.' }
  const info = streamInfo(broker, streams.events)
  // The loser of the race may still fail.
  info.catch(() => {})
  const isUp = await Promise.race([
    info.then(
      () => true,
      () => false,
    ),
    pause(1000).then(() => false),
  ])
  if (!isUp) return { isUp, reason: 'The store of the broker does not answer.' }
  return { isUp, roundTripMs: performance.now() - begin }
}
