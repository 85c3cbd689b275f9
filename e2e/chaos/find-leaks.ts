import { jobKinds } from '@pixelflow/core/actor-kinds'
import { lanes } from '@pixelflow/core/job'
import { imageRecord } from '@pixelflow/core/image'
import { pause } from '@pixelflow/core/pause'
import { readConsumerInfo } from '@pixelflow/nats/jetstream/read-consumer-info'
import { readStreamInfo, readStreamSubjects } from '@pixelflow/nats/jetstream/read-stream-info'
import { listMessages } from '@pixelflow/nats/blobs/sweep/list-messages'
import {
  blobBuckets,
  blobStream,
  chunkSubject,
  recordBuckets,
  recordStream,
  recordSubjects,
} from '@pixelflow/nats/topology/buckets'
import { streams } from '@pixelflow/nats/topology/streams'
import { workConsumer } from '@pixelflow/nats/topology/consumers'
import type { ChaosCluster } from './chaos-cluster.ts'

const consumers = jobKinds.flatMap((kind) => lanes.map((lane) => workConsumer(kind, lane)))

/** Data that is still stored after every task and image was deleted and swept. */
export interface Leak {
  /** Bytes without a reference, or messages in streams that must be empty. */
  readonly kind: 'orphanBytes' | 'leftoverMessages'
  /** Up to five subjects. */
  readonly where: string
  readonly amount: number
}

/** Deletes all images, including those whose upload was not answered; returns how many. */
export async function deleteImages({ broker, adapters }: ChaosCluster, signal: AbortSignal): Promise<number> {
  const bucket = recordBuckets.images
  let deleted = 0
  for await (const { data } of listMessages(broker, recordStream(bucket), recordSubjects(bucket), signal)) {
    const record = imageRecord.safeParse(
      data.length === 0 ? null : JSON.parse(new TextDecoder().decode(data)),
    ).data
    if (record && (await adapters.images.delete(record.account, record.id))) deleted += 1
  }
  return deleted
}

/** Where the messages of an unfinished task are, for diagnosing a lost task. */
export async function locateJob({ broker }: ChaosCluster, task: string): Promise<string> {
  const found = await Promise.all(
    [streams.backlog, streams.jobs, streams.retries, streams.deadLetters].map(async (name) => {
      const { subjects } = await readStreamSubjects(broker, name, '>', 0)
      return subjects.filter((subject) => subject.includes(task))
    }),
  )
  const job = await Promise.all(
    consumers.map(async (name) => {
      const { num_pending, num_ack_pending, ack_floor, delivered } = await readConsumerInfo(
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
 * Sweeps until nothing is left, or `signal` aborts, and returns what is left. One sweep is not enough: a replica that
 * lags lists messages that are already deleted, and actors remove outputs of deleted tasks with a delay.
 */
export async function findLeaks(cluster: ChaosCluster, signal: AbortSignal): Promise<Leak[]> {
  for (;;) {
    const sweepTimeout = AbortSignal.timeout(60_000)
    await cluster.adapters.sweeper.sweep(sweepTimeout)
    const leaks = await readLeaks(cluster, sweepTimeout)
    if (leaks.length === 0 || signal.aborted) return leaks
    await pause(1000, signal)
  }
}

async function readLeaks({ broker }: ChaosCluster, signal: AbortSignal): Promise<Leak[]> {
  const leaks: Leak[] = []
  for (const bucket of Object.values(blobBuckets)) {
    for await (const chunk of listMessages(broker, blobStream(bucket), chunkSubject(bucket, '>'), signal))
      leaks.push({ kind: 'orphanBytes', where: chunk.subject, amount: chunk.data.length })
  }
  for (const name of [streams.backlog, streams.jobs, streams.retries]) {
    const { state } = await readStreamInfo(broker, name)
    if (state.messages === 0) continue
    const { subjects } = await readStreamSubjects(broker, name, '>', 0)
    leaks.push({ kind: 'leftoverMessages', where: subjects.slice(0, 5).join(' '), amount: state.messages })
  }
  return leaks
}
