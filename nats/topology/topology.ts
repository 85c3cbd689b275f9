import type { StreamConfig } from '@nats-io/jetstream'
import type { ActorKind, Job, Lane } from '@pixelflow/core/job'
import type { LiveKind } from '@pixelflow/core/ports/sessions'
import type { NatsSettings } from '../nats-settings.ts'

/**
 * The broker's layout: every stream, bucket, subject and limit is declared here, and every durable consumer in
 * `consumers.ts`. Bootstrap, adapters, permissions, scaling rules and documents are derived from it.
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

/** JetStream API level of nats-server 2.12, the oldest version with all features that are used. */
export const apiLevel = 2

export const streams = {
  events: 'EVENTS',
  jobs: 'JOBS',
  backlog: 'BACKLOG',
  outbox: 'OUTBOX',
  leaders: 'LEADERS',
  deadLetters: 'DEAD_LETTERS',
  retries: 'RETRIES',
  advisories: 'ADVISORIES',
  health: 'HEALTH',
} as const

/** Events: one subject per task; the middle token is its batch, `_` for a task without one. */
export const eventSubject = (account: string, task: string) => `events.${account}._.${task}`
/** Where stored events are republished for live followers. */
export const liveEvents = 'live.events.>'
/** Header with the writer of an event: after a lost answer, a writer recognises its own event. */
export const writerHeader = 'Pixelflow-Writer'

export function jobSubject({ kind, lane, account, task, stage }: Job): string {
  return `jobs.${kind}.${lane}.${account}.${task}.${stage}`
}

/** The job that a subject names, not validated. */
export function jobOfSubject(subject: string): Record<keyof Job, string | undefined> {
  const [, kind, lane, account, task, stage] = subject.split('.')
  return { kind, lane, account, task, stage }
}

/** A bulk job that waits to be admitted; where it is republished; and its subject in the queue. */
export const backlogSubject = ({ kind, account, task, stage }: Job) =>
  `backlog.${kind}.${account}.${task}.${stage}`
export const backlogSubjects = (kind: ActorKind) => `backlog.${kind}.*.*.*`
export const liveBacklog = 'live.backlog.>'
export const admittedSubject = (subject: string) => subject.replace(/^backlog\.(\w+)\./, 'jobs.$1.bulk.')
/** Kind and account of a backlog entry. */
export function parseBacklogSubject(subject: string): { kind: string; account: string } {
  const [, kind = '', account = ''] = subject.split('.')
  return { kind, account }
}
/** A durable consumer without readers: its lag is the number of waiting jobs. */
export const backlogConsumer = (kind: ActorKind) => `${kind}-backlog`
/** The bulk jobs of a kind that were admitted and have not ended. */
export const admittedSubjects = (kind: ActorKind) => `jobs.${kind}.bulk.>`
/** Ack subjects of a consumer, in the current format and in the one with domain and account. */
export const ackSubjects = (stream: string, consumer: string) => [
  `$JS.ACK.${stream}.${consumer}.>`,
  `$JS.ACK.*.*.${stream}.${consumer}.>`,
]

/** A job that waits for its next attempt: its schedule, and the message that the broker makes of it when it is due. */
export const retrySubject = (job: Job) => jobSubject(job).replace('jobs', 'retry')
export const dueSubject = (job: Job) => jobSubject(job).replace('jobs', 'due')
/** The queue subject of a due job. */
export const queuedSubject = (due: string) => due.replace('due', 'jobs')
/** Header with the number of attempts made before the job was queued. */
export const attemptsHeader = 'Pixelflow-Attempts'
/** The durable consumer of due jobs. */
export const dueConsumer = 'due'

/** The durable consumer of the jobs of one kind and lane. */
export const workConsumer = (kind: ActorKind, lane: Lane) => `${kind}-${lane}`
/** Delivery limit of a job: above the number of its attempts, which the actors limit. */
export const maxDeliveries = 256
/** Where the broker reports jobs that reached the delivery limit or were terminated. */
const advisories = (stream: string) =>
  ['MAX_DELIVERIES', 'MSG_TERMINATED'].map((what) => `$JS.EVENT.ADVISORY.CONSUMER.${what}.${stream}.*`)
/** The durable consumer of these advisories. */
export const advisoryConsumer = 'advisory'

/** Time without `+WPI` after which a job is delivered to another actor. */
export const ackWaitMs = 10_000
/** How often an actor sends `+WPI` for a job; three may be lost. */
export const extendEveryMs = 3000

/** The outbox entry that is written just before a task's first event. */
export const outboxSubject = (account: string, task: string) => `outbox.${account}.${task}`
/** The durable consumer of outbox entries. */
export const outboxConsumer = 'outbox'

/** A dead letter; its id is `<kind>.<account>.<task>`, with `*` as a wildcard. */
export const deadLetterSubject = (id: string) => `dead_letters.${id}`

/** What a gateway writes to check that the store commits writes; the last token names the gateway. */
export const healthSubject = (gateway: string) => `health.${gateway}`

/** The leader of a role, and where its renewals are republished for the candidates. */
export const leaderSubject = (role: string) => `leaders.${role}`
export const liveLeader = (role: string) => `live.leaders.${role}`

export const cancelSubject = (account: string, task: string) => `cancel.${account}.${task}`
export const cancelSubjects = 'cancel.*.*'

/** Where actors announce and withdraw themselves, and where announcements are requested. Nothing is stored. */
export const registryAnnounce = 'registry.announce'
export const registryWithdraw = 'registry.withdraw'
export const registryRequest = 'registry.request'

/** Where gateways offer live sessions; the actors of a kind share it as a queue group. */
export const offerSubject = (kind: LiveKind) => `offer.${kind}`
/** The inbox of one side of a session: the process, then the session. Nothing is stored. */
export const sessionSubject = (process: string, session: string) => `session.${process}.${session}`
/** The inboxes of all sessions of a process. */
export const sessionSubjects = (process: string) => `session.${process}.*`
/** How often each side of an idle session sends a heartbeat. */
export const sessionHeartbeatMs = 500
/** Silence after which a session is broken. */
export const sessionTimeoutMs = 3000

export const recordBuckets = { images: 'images', idempotency: 'idempotency' } as const
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

/** Age up to which a blob is reused when the same name is written again; see the Blobs port. */
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
      // More than the events of any task; beyond it the oldest are removed.
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
      // One job per subject: rejecting a second one prevents a job from being queued twice.
      max_msgs_per_subject: 1,
      max_msgs: layout.maxQueued,
      discard: 'new',
      discard_new_per_subject: true,
    },
    {
      ...shared,
      name: streams.backlog,
      subjects: ['backlog.*.*.*.*'],
      // Removed by sequence, in the order that the dispatcher chooses.
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
      subjects: ['outbox.*.*'],
      retention: 'workqueue',
      max_age: nanos(layout.taskRetentionMs),
      // Written again after a lost answer.
      max_msgs_per_subject: 1,
      discard: 'old',
    },
    {
      ...shared,
      name: streams.leaders,
      // After a restart of the broker no role has a leader.
      storage: 'memory',
      subjects: ['leaders.*'],
      retention: 'limits',
      max_msgs_per_subject: 1,
      discard: 'old',
      republish: { src: 'leaders.*', dest: 'live.leaders.{{wildcard(1)}}' },
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
      // Required by schedules.
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
      name: streams.deadLetters,
      subjects: ['dead_letters.*.*.*'],
      retention: 'limits',
      max_age: nanos(layout.taskRetentionMs),
      // Recording a replay replaces the dead letter.
      max_msgs_per_subject: 1,
      max_msgs: layout.maxQueued,
      discard: 'old',
    },
    {
      ...shared,
      name: streams.health,
      subjects: ['health.*'],
      retention: 'limits',
      // Entries of gateways that are gone expire.
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
      name: recordStream(recordBuckets.idempotency),
      subjects: [`$KV.${recordBuckets.idempotency}.>`],
      retention: 'limits',
      max_age: nanos(layout.idempotencyRetentionMs),
      max_msgs_per_subject: 1,
      discard: 'new',
      allow_rollup_hdrs: true,
      deny_delete: true,
    },
    // A new record may point at bytes that are as old as the retention, so bytes are kept twice as long.
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

/** JetStream durations are in nanoseconds. */
export function nanos(ms: number): number {
  return ms * 1e6
}
