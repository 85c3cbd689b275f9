import type { StreamConfig } from '@nats-io/jetstream'
import type { NatsSettings } from '../nats-settings.ts'
import {
  blobBuckets,
  blobStream,
  blobSubjects,
  chunkSubject,
  recordBuckets,
  recordStream,
  recordSubjects,
} from './buckets.ts'
import { advisorySubjects } from './subjects.ts'

/**
 * Every stream of the broker and its limits. With `subjects.ts`, `buckets.ts` and `consumers.ts`, this is the layout of the
 * broker: bootstrap, adapters, permissions, scaling rules and documents are derived from it.
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
  leaders: 'LEADERS',
  deadLetters: 'DEAD_LETTERS',
  retries: 'RETRIES',
  advisories: 'ADVISORIES',
  health: 'HEALTH',
} as const

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
      subjects: advisorySubjects(streams.jobs),
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
      subjects: [recordSubjects(recordBuckets.images)],
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
      subjects: [recordSubjects(recordBuckets.idempotency)],
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
    subjects: [chunkSubject(bucket, '>'), blobSubjects(bucket)],
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
