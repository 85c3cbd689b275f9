import type { StreamConfig } from '@nats-io/jetstream'
import type { ActorKind, Job, Lane } from '@pixelflow/core/job'
import type { LiveKind } from '@pixelflow/core/ports/sessions'
import type { NatsSettings } from '../nats-settings.ts'

/**
 * The broker's layout: every stream, bucket, subject and limit is declared here, every durable consumer in `consumers.ts`
 * beside it, and nowhere else. Bootstrap, adapters, permissions, scaling rules and documents follow from it.
 */

export type Layout = Pick<
  NatsSettings,
  | 'natsReplicas'
  | 'taskRetentionMs'
  | 'imageRetentionMs'
  | 'resultRetentionMs'
  | 'idempotencyRetentionMs'
  | 'maxQueued'
>

export type Stream = Partial<StreamConfig> & { readonly name: string }

/** JetStream API level of nats-server 2.12, the oldest that has all we use. */
export const apiLevel = 2

export const streams = {
  events: 'EVENTS',
  jobs: 'JOBS',
  backlog: 'BACKLOG',
  outbox: 'ACCEPTANCES',
  offices: 'OFFICES',
  dead: 'DEAD',
  retries: 'RETRIES',
  advisories: 'ADVISORIES',
  health: 'HEALTH',
} as const

/** Events: one subject a task; the middle token is its batch, `_` while a task belongs to none. */
export const eventSubject = (account: string, task: string) => `events.${account}._.${task}`
/** Where stored events are repeated for live followers. */
export const liveEvents = 'live.events.>'
/** Header that carries who wrote an event, so that a writer knows its own after a lost answer. */
export const writerHeader = 'Pixelflow-Writer'

export function jobSubject({ kind, lane, account, task, stage }: Job): string {
  return `jobs.${kind}.${lane}.${account}.${task}.${stage}`
}

/** The job that a subject names, unchecked. */
export function jobOfSubject(subject: string): Record<keyof Job, string | undefined> {
  const [, kind, lane, account, task, stage] = subject.split('.')
  return { kind, lane, account, task, stage }
}

/** A bulk job that waits to be let into the queue; where that is repeated, and where it goes. */
export const backlogSubject = ({ kind, account, task, stage }: Job) =>
  `backlog.${kind}.${account}.${task}.${stage}`
export const backlogSubjects = (kind: ActorKind) => `backlog.${kind}.*.*.*`
export const liveBacklog = 'live.backlog.>'
export const admittedSubject = (subject: string) => subject.replace(/^backlog\.(\w+)\./, 'jobs.$1.bulk.')
/** What it is, and whose. */
export function waitingOfSubject(subject: string): { kind: string; account: string } {
  const [, kind = '', account = ''] = subject.split('.')
  return { kind, account }
}
/** The durable consumer that nobody pulls from: its lag is how many wait. */
export const backlogConsumer = (kind: ActorKind) => `${kind}-backlog`
/** The bulk jobs of a kind that have been let in and are not over. */
export const admittedSubjects = (kind: ActorKind) => `jobs.${kind}.bulk.>`
/** What actors say of the jobs that a consumer gave them, as servers of today and of tomorrow address it. */
export const ackSubjects = (stream: string, consumer: string) => [
  `$JS.ACK.${stream}.${consumer}.>`,
  `$JS.ACK.*.*.${stream}.${consumer}.>`,
]

/** A job that waits for its next attempt: the broker's schedule, and what becomes of it when its time has come. */
export const retrySubject = (job: Job) => jobSubject(job).replace('jobs', 'retry')
export const dueSubject = (job: Job) => jobSubject(job).replace('jobs', 'due')
/** Where a job that is due goes. */
export const queuedSubject = (due: string) => due.replace('due', 'jobs')
/** Header that says how many attempts were made at a job before it came into the queue. */
export const attemptsHeader = 'Pixelflow-Attempts'
/** The durable consumer that shows what is due. */
export const dueConsumer = 'due'

/** The durable consumer that hands out the jobs of one kind and lane. */
export const workConsumer = (kind: ActorKind, lane: Lane) => `${kind}-${lane}`
/** Deliveries of one message after which the queue gives up: more than its attempts, which nothing else bounds. */
export const maxDeliveries = 256
/** Where the broker says that it has given up a job, or that somebody has taken one out unfinished. */
const advisories = (stream: string) =>
  ['MAX_DELIVERIES', 'MSG_TERMINATED'].map((what) => `$JS.EVENT.ADVISORY.CONSUMER.${what}.${stream}.*`)
/** The durable consumer that shows this. */
export const advisoryConsumer = 'advisory'

/** How long a job may go without a sign of life before it is handed to somebody else. */
export const ackWaitMs = 10_000
/** How often the holder of a job gives one; three may get lost. */
export const extendEveryMs = 3000

/** What is written just before a task's first event. */
export const outboxSubject = (account: string, task: string) => `accepted.${account}.${task}`
/** The durable consumer that shows acceptances to the reconcilers. */
export const outboxConsumer = 'acceptance'

/** A letter about a job that was given up; its id is `<kind>.<account>.<task>`, with `*` for any. */
export const deadSubject = (id: string) => `dead.${id}`

/** What a gateway writes again and again to see that the store takes writes; the last token is its own. */
export const healthSubject = (gateway: string) => `health.${gateway}`

/** Who does what only one may do, and where that is repeated for the others. */
export const leaderSubject = (office: string) => `offices.${office}`
export const liveLeader = (office: string) => `live.offices.${office}`

export const cancelSubject = (account: string, task: string) => `cancel.${account}.${task}`
export const cancelSubjects = 'cancel.*.*'

/** Where actors say that they are there, and that they leave; and where somebody asks who is there. Nothing is stored. */
export const registryAnnounce = 'registry.here'
export const registryWithdraw = 'registry.gone'
export const registryRequest = 'registry.call'

/** Where gateways look for an actor that has room for a live session; the actors of a kind share it as a queue group. */
export const offerSubject = (kind: LiveKind) => `offer.${kind}`
/** Where one end of a session is spoken to: the process, then the session. Nothing here is stored. */
export const sessionSubject = (process: string, session: string) => `session.${process}.${session}`
/** What one process hears of all its sessions. */
export const sessionSubjects = (process: string) => `session.${process}.*`
/** How often each end of a session gives a sign of life when it has nothing to say. */
export const sessionHeartbeatMs = 500
/** How long an end may be silent before the other takes it for dead. */
export const sessionTimeoutMs = 3000

export const recordBuckets = { images: 'images', keys: 'keys' } as const
export const recordStream = (bucket: string) => `KV_${bucket}`
export const recordSubjects = (bucket: string) => `$KV.${bucket}.>`
export const recordSubject = (bucket: string, account: string, id: string) => `$KV.${bucket}.${account}.${id}`

export const blobBuckets = { sources: 'sources', results: 'results' } as const
export const blobStream = (bucket: string) => `OBJ_${bucket}`
export const chunkSubject = (bucket: string, nuid: string) => `$O.${bucket}.C.${nuid}`
export const blobSubjects = (bucket: string) => `$O.${bucket}.M.>`
export function blobSubject(bucket: string, name: string): string {
  const plain = Buffer.from(name).toString('base64url')
  return `$O.${bucket}.M.${plain.padEnd(Math.ceil(plain.length / 4) * 4, '=')}`
}

/** A blob of that name younger than this is kept when the same name is written again; see the Blobs port. */
export function blobReuseMs(bucket: string, layout: Layout): number {
  return bucket === blobBuckets.sources ? layout.imageRetentionMs : layout.resultRetentionMs
}

export function streamsOf(layout: Layout): Stream[] {
  const shared = { storage: 'file', num_replicas: layout.natsReplicas, allow_direct: true } as const
  return [
    {
      ...shared,
      name: streams.events,
      subjects: ['events.*.*.*'],
      retention: 'limits',
      max_age: nanos(layout.taskRetentionMs),
      // More than any task's life has steps; beyond it the oldest snapshots go.
      max_msgs_per_subject: 512,
      discard: 'old',
      // A deletion replaces the history before it.
      allow_rollup_hdrs: true,
      republish: { src: 'events.>', dest: 'live.events.>' },
    },
    {
      ...shared,
      name: streams.jobs,
      subjects: ['jobs.*.*.*.*.*'],
      retention: 'workqueue',
      // One job a subject: the refusal of a second is what keeps a job from being queued twice.
      max_msgs_per_subject: 1,
      max_msgs: layout.maxQueued,
      discard: 'new',
      discard_new_per_subject: true,
    },
    {
      ...shared,
      name: streams.backlog,
      subjects: ['backlog.*.*.*.*'],
      // Taken out by sequence, in whatever order is fair.
      retention: 'limits',
      max_msgs_per_subject: 1,
      max_msgs: layout.maxQueued,
      discard: 'new',
      discard_new_per_subject: true,
      republish: { src: 'backlog.>', dest: 'live.backlog.>' },
    },
    {
      ...shared,
      name: streams.outbox,
      subjects: ['accepted.*.*'],
      retention: 'workqueue',
      max_age: nanos(layout.taskRetentionMs),
      // Said again after a lost answer.
      max_msgs_per_subject: 1,
      discard: 'old',
    },
    {
      ...shared,
      name: streams.offices,
      // Nobody is in office when the broker comes back without it.
      storage: 'memory',
      subjects: ['offices.*'],
      retention: 'limits',
      max_msgs_per_subject: 1,
      discard: 'old',
      republish: { src: 'offices.*', dest: 'live.offices.{{wildcard(1)}}' },
    },
    {
      ...shared,
      name: streams.retries,
      subjects: ['retry.*.*.*.*.*', 'due.*.*.*.*.*'],
      retention: 'workqueue',
      max_age: nanos(layout.taskRetentionMs),
      max_msgs_per_subject: 1,
      discard: 'old',
      allow_msg_schedules: true,
      // Schedules want it.
      allow_rollup_hdrs: true,
    },
    {
      ...shared,
      name: streams.advisories,
      subjects: advisories(streams.jobs),
      retention: 'workqueue',
      max_age: nanos(layout.taskRetentionMs),
      max_msgs: layout.maxQueued,
      discard: 'old',
    },
    {
      ...shared,
      name: streams.dead,
      subjects: ['dead.*.*.*'],
      retention: 'limits',
      max_age: nanos(layout.taskRetentionMs),
      // A letter is replaced by itself with a mark.
      max_msgs_per_subject: 1,
      max_msgs: layout.maxQueued,
      discard: 'old',
    },
    {
      ...shared,
      name: streams.health,
      subjects: ['health.*'],
      retention: 'limits',
      // Of gateways that are gone nothing is left.
      max_age: nanos(3_600_000),
      max_msgs_per_subject: 1,
      discard: 'old',
    },
    {
      ...shared,
      name: recordStream(recordBuckets.images),
      subjects: [`$KV.${recordBuckets.images}.>`],
      retention: 'limits',
      max_age: nanos(layout.imageRetentionMs),
      max_msgs_per_subject: 1,
      discard: 'new',
      allow_rollup_hdrs: true,
      deny_delete: true,
    },
    {
      ...shared,
      name: recordStream(recordBuckets.keys),
      subjects: [`$KV.${recordBuckets.keys}.>`],
      retention: 'limits',
      max_age: nanos(layout.idempotencyRetentionMs),
      max_msgs_per_subject: 1,
      discard: 'new',
      allow_rollup_hdrs: true,
      deny_delete: true,
    },
    // A record may come to point at bytes as old as its retention: twice that, and it never outlives them.
    blobs(blobBuckets.sources, 2 * layout.imageRetentionMs, shared),
    blobs(blobBuckets.results, layout.resultRetentionMs, shared),
  ]
}

function blobs(bucket: string, maxAgeMs: number, shared: Partial<StreamConfig>): Stream {
  return {
    ...shared,
    name: blobStream(bucket),
    subjects: [`$O.${bucket}.C.>`, `$O.${bucket}.M.>`],
    retention: 'limits',
    max_age: nanos(maxAgeMs),
    discard: 'new',
    allow_rollup_hdrs: true,
  }
}

/** As JetStream counts time. */
export function nanos(ms: number): number {
  return ms * 1e6
}
