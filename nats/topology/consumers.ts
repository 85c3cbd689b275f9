import type { ConsumerConfig } from '@nats-io/jetstream'
import { jobKinds, type ActorKind } from '@pixelflow/core/actor-kinds'
import { lanes, type Lane } from '@pixelflow/core/job'
import { nanos, streams, type Layout } from './streams.ts'
import { backlogSubjects } from './subjects.ts'

export type Consumer = Partial<ConsumerConfig> & { readonly durable_name: string }

/** The durable consumer of the jobs of one kind and lane. */
export const workConsumer = (kind: ActorKind, lane: Lane) => `${kind}-${lane}`

/** A durable consumer without readers: its lag is the number of waiting jobs. */
export const backlogConsumer = (kind: ActorKind) => `${kind}-backlog`

/** The durable consumer of due jobs. */
export const dueConsumer = 'due'

/** The durable consumer of advisories. */
export const advisoryConsumer = 'advisory'

/** Time without `+WPI` after which a job is delivered to another actor. */
export const ackWaitMs = 10_000
/** How often an actor sends `+WPI` for a job; three may be lost. */
export const extendEveryMs = 3000

/** Delivery limit of a job: above the number of its attempts, which the actors limit. */
export const maxDeliveries = 256

/** Every durable consumer of the layout; each kind of actor with jobs has its own. */
export function consumersOf(
  layout: Layout,
  kinds: readonly ActorKind[] = jobKinds,
): { stream: string; config: Consumer }[] {
  const shared = {
    ack_policy: 'explicit',
    deliver_policy: 'all',
    replay_policy: 'instant',
    max_deliver: -1,
  } as const
  const work = kinds.flatMap((kind) =>
    lanes.map((lane) => ({
      stream: streams.jobs,
      config: {
        ...shared,
        durable_name: workConsumer(kind, lane),
        filter_subject: `jobs.${kind}.${lane}.*.*.*`,
        ack_wait: nanos(ackWaitMs),
        max_deliver: maxDeliveries,
        // Far above the number of actors.
        max_ack_pending: 100_000,
        max_waiting: 10_000,
      },
    })),
  )
  // Only counted, for metrics and scaling; the dispatcher reads the stream.
  const backlog = kinds.map((kind) => ({
    stream: streams.backlog,
    config: {
      ...shared,
      durable_name: backlogConsumer(kind),
      filter_subject: backlogSubjects(kind),
    },
  }))
  const due = {
    stream: streams.retries,
    config: {
      ...shared,
      durable_name: dueConsumer,
      filter_subject: 'due.*.*.*.*.*',
      ack_wait: nanos(ackWaitMs),
      max_ack_pending: 10_000,
      max_waiting: 1000,
    },
  }
  const advisory = {
    stream: streams.advisories,
    config: {
      ...shared,
      durable_name: advisoryConsumer,
      ack_wait: nanos(30_000),
      max_ack_pending: 1000,
      max_waiting: 100,
    },
  }
  return [...work, ...backlog, due, advisory].map(({ stream, config }) => ({
    stream,
    config: { ...config, num_replicas: layout.natsReplicas },
  }))
}
