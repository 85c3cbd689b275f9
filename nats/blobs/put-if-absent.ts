import { Fault } from '@pixelflow/core/fault'
import { retryConflicts } from '@pixelflow/core/retry-conflicts'
import type { Clock } from '@pixelflow/core/ports/clock'
import { describe, putDescription, putTombstone, type Bucket } from './bucket.ts'
import type { ObjectEntry, ObjectInfo } from './object-info.ts'
import { isComplete } from './missing-bytes.ts'

const maxConflicts = 10

export interface ReusePolicy {
  /** The broker's clock, which dates stored messages. */
  readonly clock: Clock
  /** Age up to which existing bytes are reused when the same name is written again. */
  readonly reuseForMs: number
  /** Age at which a reused description is written again, so that a sweep does not remove it. */
  readonly touchAfterMs: number
}

/** Stores a description unless a reusable one exists; returns the one that is stored then. */
export async function putIfAbsent(
  bucket: Bucket,
  info: ObjectInfo,
  { clock, reuseForMs, touchAfterMs }: ReusePolicy,
): Promise<ObjectEntry> {
  let after = 0
  const update = async (): Promise<ObjectEntry | undefined> => {
    const seq = await putDescription(bucket, info, after)
    if (seq !== undefined) return { info, seq, at: new Date(clock.now()) }
    const current = await describe(bucket, info.name)
    const isOurs = current?.info.nuid === info.nuid
    const isFresh =
      current !== null &&
      !current.info.deleted &&
      clock.now() - writtenAt(current) < reuseForMs &&
      (isOurs || (await isComplete(bucket, current)))
    if (current && (isOurs || (isFresh && clock.now() - current.at.getTime() < touchAfterMs))) return current
    if (current && isFresh) {
      const touched = await touch(bucket, current, clock)
      if (touched) return touched
    }
    after = current?.seq ?? 0
    return undefined
  }
  return retryConflicts(update, { maxConflicts, createFault: createConflict })
}

function createConflict(): Fault {
  return new Fault('storage_failed', 'Too many concurrent writes of one name.', {
    remedy: 'Try again in a moment.',
    retryAfterMs: 1000,
  })
}

/** When the bytes were written; writing the description again does not change it. */
function writtenAt({ info, at }: ObjectEntry): number {
  return Math.min(Date.parse(info.mtime) || Infinity, at.getTime())
}

/** Writes a description again, unchanged. Null on a conflict. */
async function touch(bucket: Bucket, { info, seq }: ObjectEntry, clock: Clock): Promise<ObjectEntry | null> {
  const touched = await putDescription(bucket, info, seq)
  return touched === undefined ? null : { info, seq: touched, at: new Date(clock.now()) }
}

/**
 * Removes the description of this write, so that no name is left without its bytes. False when its bytes are complete,
 * or when it was written again meanwhile: another upload of the same bytes may already rely on it.
 */
export async function rollBackPut(bucket: Bucket, name: string, nuid: string): Promise<boolean> {
  const current = await describe(bucket, name)
  if (current?.info.nuid !== nuid || current.info.deleted) return true
  if (await isComplete(bucket, current)) return false
  return putTombstone(bucket, current)
}
