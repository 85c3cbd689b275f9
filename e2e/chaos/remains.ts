import { imageRecord } from '@pixelflow/core/image'
import { streamInfo } from '@pixelflow/fabric/manage'
import { messagesOf } from '@pixelflow/fabric/sweep/pages'
import {
  blobBuckets,
  blobStream,
  chunkSubject,
  recordBuckets,
  recordStream,
  recordSubjects,
  streams,
} from '@pixelflow/fabric/topology'
import type { House } from './house.ts'

/** What is stored when every task and image has been deleted and everything was swept. */
export interface Remains {
  /** Bytes that nothing refers to and that no sweep would find either. */
  readonly orphanBytes: number
  /** Messages of streams that empty themselves. */
  readonly leftovers: Readonly<Record<string, number>>
}

/** Images whose upload has been told to nobody: the answer was lost. */
export async function dropUntoldImages({ broker, fabric }: House, signal: AbortSignal): Promise<number> {
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
