import type { Broker } from '../connection/broker.ts'
import { readLast } from '../jetstream/read-last.ts'
import { publishAfter } from '../jetstream/publish-after.ts'
import { purgeSubject } from '../jetstream/remove-message.ts'
import { readFromLeader } from '../jetstream/read-from-leader.ts'
import { parseObjectEntry, type ObjectEntry, type ObjectInfo } from './object-info.ts'
import { blobStream, blobSubject, chunkSubject } from '../topology/buckets.ts'

/** One bucket of the object store. */
export interface Bucket {
  readonly broker: Broker
  readonly name: string
  readonly stream: string
  /** Whether replicas may lag behind the leader. */
  readonly isReplicated: boolean
}

export function createBucket(broker: Broker, name: string, replicas: number): Bucket {
  return { broker, name, stream: blobStream(name), isReplicated: replicas > 1 }
}

/** The newest description of a name, possibly a tombstone. A replica may lag, so a miss is checked with the leader. */
export async function describe(bucket: Bucket, name: string): Promise<ObjectEntry | null> {
  const { broker, stream, isReplicated } = bucket
  const subject = blobSubject(bucket.name, name)
  const found =
    (await readLast(broker, stream, subject)) ??
    (isReplicated ? await readFromLeader(broker, stream, { last_by_subj: subject }) : null)
  return found && parseObjectEntry(found)
}

/** Replaces the description of a name if `after` is its last sequence. Undefined on a conflict. */
export function putDescription(bucket: Bucket, info: ObjectInfo, after: number): Promise<number | undefined> {
  const headers = { 'Nats-Rollup': 'sub' }
  const subject = blobSubject(bucket.name, info.name)
  return publishAfter(bucket.broker, subject, after, JSON.stringify(info), { headers })
}

/** Marks a name as deleted, as NATS tools do. False on a conflict. */
export async function putTombstone(bucket: Bucket, { info, seq }: ObjectEntry): Promise<boolean> {
  const tombstone = { ...info, deleted: true, size: 0, chunks: 0, digest: '' }
  return (await putDescription(bucket, tombstone, seq)) !== undefined
}

export async function purgeChunks({ broker, name, stream }: Bucket, nuid: string): Promise<void> {
  await purgeSubject(broker, stream, chunkSubject(name, nuid))
}
