import { lanes } from '@pixelflow/core/job'
import { imageRecord } from '@pixelflow/core/image'
import { consumerInfo, streamInfo, streamSubjects } from '@pixelflow/fabric/manage'
import { messagesOf } from '@pixelflow/fabric/sweep/pages'
import {
  blobBuckets,
  blobStream,
  chunkSubject,
  recordBuckets,
  recordStream,
  recordSubjects,
  streams,
  workConsumer,
} from '@pixelflow/fabric/topology'
import type { House } from './house.ts'

const consumers = lanes.map((lane) => workConsumer('transform', lane))

/** What is stored when every task and image has been deleted and everything was swept. */
export interface Remains {
  /** Bytes that nothing refers to and that no sweep would find either. */
  readonly orphanBytes: number
  /** Messages of streams that empty themselves. */
  readonly leftovers: Readonly<Record<string, number>>
}

/** Deletes all images, also those whose upload was told to nobody because the answer was lost; returns how many. */
export async function dropImages({ broker, fabric }: House, signal: AbortSignal): Promise<number> {
  const bucket = recordBuckets.images
  let dropped = 0
  for await (const { data } of messagesOf(broker, recordStream(bucket), recordSubjects(bucket), signal)) {
    const record = imageRecord.safeParse(
      data.length === 0 ? null : JSON.parse(new TextDecoder().decode(data)),
    ).data
    if (record && (await fabric.images.delete(record.account, record.id))) dropped += 1
  }
  return dropped
}

/** Where the work of a task that has not ended still is: for whoever has to find out how it was lost. */
export async function whereabouts({ broker }: House, task: string): Promise<string> {
  const found = await Promise.all(
    [streams.jobs, streams.retries, streams.acceptances, streams.dead].map(async (name) => {
      const { subjects } = await streamSubjects(broker, name, '>', 0)
      return subjects.filter((subject) => subject.includes(task))
    }),
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

export async function remainsOf({ broker }: House, signal: AbortSignal): Promise<Remains> {
  let orphanBytes = 0
  for (const bucket of Object.values(blobBuckets)) {
    for await (const chunk of messagesOf(broker, blobStream(bucket), chunkSubject(bucket, '>'), signal))
      orphanBytes += chunk.data.length
  }
  const leftovers: Record<string, number> = {}
  for (const name of [streams.jobs, streams.acceptances, streams.retries]) {
    const { state } = await streamInfo(broker, name)
    if (state.messages > 0) leftovers[name] = state.messages
  }
  return { orphanBytes, leftovers }
}
