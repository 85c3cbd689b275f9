import { lanes } from '@pixelflow/core/job'
import { imageRecord } from '@pixelflow/core/image'
import { pause } from '@pixelflow/core/pause'
import { consumerInfo, streamInfo, streamSubjects } from '@pixelflow/nats/jetstream/jetstream-api'
import { listMessages } from '@pixelflow/nats/blobs/sweep/list-messages'
import {
  blobBuckets,
  blobStream,
  chunkSubject,
  recordBuckets,
  recordStream,
  recordSubjects,
  streams,
  workConsumer,
} from '@pixelflow/nats/topology/topology'
import type { ChaosCluster } from './chaos-cluster.ts'

const consumers = lanes.map((lane) => workConsumer('transform', lane))

/** Something that is still stored when every task and image has been deleted and everything was swept. */
export interface Leak {
  /** Bytes that nothing refers to; or messages of streams that empty themselves. */
  readonly what: 'orphanBytes' | 'leftovers'
  /** Some of their subjects, or all. */
  readonly where: string
  readonly amount: number
}

/** Deletes all images, including those whose upload answer was lost; returns how many. */
export async function deleteImages({ broker, adapters }: ChaosCluster, signal: AbortSignal): Promise<number> {
  const bucket = recordBuckets.images
  let dropped = 0
  for await (const { data } of listMessages(broker, recordStream(bucket), recordSubjects(bucket), signal)) {
    const record = imageRecord.safeParse(
      data.length === 0 ? null : JSON.parse(new TextDecoder().decode(data)),
    ).data
    if (record && (await adapters.images.delete(record.account, record.id))) dropped += 1
  }
  return dropped
}

/** Where the messages of an unfinished task are, for diagnosing a lost task. */
export async function locateJob({ broker }: ChaosCluster, task: string): Promise<string> {
  const found = await Promise.all(
    [streams.backlog, streams.jobs, streams.retries, streams.outbox, streams.deadLetters].map(
      async (name) => {
        const { subjects } = await streamSubjects(broker, name, '>', 0)
        return subjects.filter((subject) => subject.includes(task))
      },
    ),
  )
  const job = await Promise.all(
    consumers.map(async (name) => {
      const { num_pending, num_ack_pending, ack_floor, delivered } = await consumerInfo(
        broker,
        streams.jobs,
        name,
      )
      return `${name} ${num_pending} pending, ${num_ack_pending} unacked, floor ${ack_floor.stream_seq} of ${delivered.stream_seq}`
    }),
  )
  return [found.flat().join(' ') || 'no message anywhere', ...job].join('; ')
}

/**
 * Sweeps until nothing is left: a replica that lags shows one sweep what the next one finds gone, and reconcilers take
 * their time over what they are told. Returns what is left all the same once `signal` aborts.
 */
export async function findLeaks(cluster: ChaosCluster, signal: AbortSignal): Promise<Leak[]> {
  for (;;) {
    const late = AbortSignal.timeout(60_000)
    await cluster.adapters.sweeper.sweep(late)
    const leaks = await remainsOf(cluster, late)
    if (leaks.length === 0 || signal.aborted) return leaks
    await pause(1000, signal)
  }
}

async function remainsOf({ broker }: ChaosCluster, signal: AbortSignal): Promise<Leak[]> {
  const leaks: Leak[] = []
  for (const bucket of Object.values(blobBuckets)) {
    for await (const chunk of listMessages(broker, blobStream(bucket), chunkSubject(bucket, '>'), signal))
      leaks.push({ what: 'orphanBytes', where: chunk.subject, amount: chunk.data.length })
  }
  for (const name of [streams.backlog, streams.jobs, streams.outbox, streams.retries]) {
    const { state } = await streamInfo(broker, name)
    if (state.messages === 0) continue
    const { subjects } = await streamSubjects(broker, name, '>', 0)
    leaks.push({ what: 'leftovers', where: subjects.slice(0, 5).join(' '), amount: state.messages })
  }
  return leaks
}
