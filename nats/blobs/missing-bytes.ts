import { Fault } from '@pixelflow/core/fault'
import type { Bucket } from './bucket.ts'
import { readLast } from '../jetstream/read-last.ts'
import { countMessages } from '../jetstream/read-stream-info.ts'
import { readFromLeader } from '../jetstream/read-from-leader.ts'
import { parseObjectEntry, lastSequence, type ObjectEntry, type ObjectInfo } from './object-info.ts'
import { retryUnreachable } from '../jetstream/retry-unreachable.ts'
import { blobSubject, chunkSubject } from '../topology/buckets.ts'

/** Whether the stream's leader has as many chunks as the description says. One small request. */
export async function hasAllChunks({ broker, name, stream }: Bucket, info: ObjectInfo): Promise<boolean> {
  if (info.chunks === 0) return info.size === 0
  return (await countMessages(broker, stream, chunkSubject(name, info.nuid))) === info.chunks
}

/**
 * Whether all chunks of a description exist at the noted sequences. They may not: the description of a single chunk is sent
 * together with it, and during a leader change only the description may be stored; and another process may have removed
 * chunks.
 */
export async function isComplete(bucket: Bucket, { info }: Pick<ObjectEntry, 'info'>): Promise<boolean> {
  if (!(await hasAllChunks(bucket, info))) return false
  const lastNoted = lastSequence(info)
  if (lastNoted === undefined) return true
  const { broker, name, stream, isReplicated } = bucket
  const subject = chunkSubject(name, info.nuid)
  const last =
    (await readLast(broker, stream, subject)) ??
    (isReplicated ? await readFromLeader(broker, stream, { last_by_subj: subject }) : null)
  return last?.seq === lastNoted
}

/** What a reader does when chunks are not where they were: it continues with those of `now`, or fails. */
export type MissingBytes = { readonly now: ObjectInfo } | { readonly fault: Fault }

/**
 * Looks up the name of a blob whose chunks could not be read. They may be lost permanently or temporarily unreadable, or the
 * blob was deleted, or the same bytes were written again.
 * @param createMissingFault the fault for a deleted blob; without it the reader has seen the blob, and may try again
 */
export async function resolveMissingBytes(
  bucket: Bucket,
  info: ObjectInfo,
  createMissingFault: (() => Fault) | undefined,
): Promise<MissingBytes> {
  const { broker, name, stream } = bucket
  const subject = blobSubject(name, info.name)
  const found = await retryUnreachable(() => readFromLeader(broker, stream, { last_by_subj: subject }))
  const now = found && parseObjectEntry(found).info
  const exists = now !== null && !now.deleted
  if (!exists && createMissingFault) return { fault: createMissingFault() }
  if (exists && now.nuid !== info.nuid && now.digest === info.digest && now.size === info.size) return { now }
  if (exists && now.nuid === info.nuid && !(await retryUnreachable(() => isComplete(bucket, { info: now }))))
    return { fault: dataLoss(info, 'are incomplete') }
  return { fault: temporarilyUnreadable(info) }
}

function temporarilyUnreadable(info: ObjectInfo): Fault {
  return new Fault('storage_failed', 'The stored bytes are temporarily unreadable.', {
    remedy: 'Try again in a moment.',
    retryAfterMs: 1000,
    cause: new Error(`${info.bucket}: ${info.name}`),
  })
}

/** The fault for bytes that are lost permanently. */
export function dataLoss({ name, bucket }: Pick<ObjectInfo, 'name' | 'bucket'>, how: string): Fault {
  return new Fault('data_loss', `The stored bytes ${how}.`, {
    remedy: 'Upload the same file again, or repeat the task that created them.',
    cause: new Error(`${bucket}: ${name}`),
  })
}
