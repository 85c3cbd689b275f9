import { Fault } from '@pixelflow/core/fault'
import { JetStreamError, wrongLastSequence } from '../connection/broker.ts'
import type { Clock } from '@pixelflow/core/ports/clock'
import { describe, putDescription, putTombstone, type Bucket } from './bucket.ts'
import type { ObjectEntry, ObjectInfo } from './object-info.ts'
import { isComplete } from './blob-integrity.ts'

const mostRaces = 10

export interface ReusePolicy {
  /** That of the broker, which dates what is stored. */
  readonly clock: Clock
  /** Bytes younger than this stay when the same name is written again. */
  readonly keepMs: number
  /** A description that stands for longer is written anew when it is met, so that no sweep takes it for forgotten. */
  readonly touchAfterMs: number
}

/** Puts a description under its name unless one is there that is to be kept; answers with the one that stands. */
export async function putIfAbsent(
  bucket: Bucket,
  info: ObjectInfo,
  { clock, keepMs, touchAfterMs }: ReusePolicy,
): Promise<ObjectEntry> {
  let after = 0
  for (let race = 0; race < mostRaces; race++) {
    try {
      const seq = await putDescription(bucket, info, after)
      return { info, seq, at: new Date(clock.now()) }
    } catch (thrown) {
      if (!(thrown instanceof JetStreamError) || thrown.code !== wrongLastSequence) throw thrown
    }
    const there = await describe(bucket, info.name)
    const isOurs = there?.info.nuid === info.nuid
    const isFresh =
      there !== null &&
      !there.info.deleted &&
      clock.now() - madeAt(there) < keepMs &&
      (isOurs || (await isComplete(bucket, there)))
    if (there && (isOurs || (isFresh && clock.now() - there.at.getTime() < touchAfterMs))) return there
    if (there && isFresh) {
      const touched = await touch(bucket, there, clock)
      if (touched) return touched
    }
    after = there?.seq ?? 0
  }
  throw new Fault('storage_failed', 'Too many writes of one name at once.')
}

/** When the bytes were written; touching a description does not make them younger. */
function madeAt({ info, at }: ObjectEntry): number {
  return Math.min(Date.parse(info.mtime) || Infinity, at.getTime())
}

/** Writes a description once more as it is. Null when it has changed meanwhile. */
async function touch(bucket: Bucket, { info, seq }: ObjectEntry, clock: Clock): Promise<ObjectEntry | null> {
  try {
    return { info, seq: await putDescription(bucket, info, seq), at: new Date(clock.now()) }
  } catch (thrown) {
    if (thrown instanceof JetStreamError && thrown.code === wrongLastSequence) return null
    throw thrown
  }
}

/**
 * Takes a description back if it is this write's, so that no name is left without its bytes. False when it stands and
 * its bytes are all there: then another upload of the same bytes may have met it and rely on it.
 */
export async function rollBackPut(bucket: Bucket, name: string, nuid: string): Promise<boolean> {
  const there = await describe(bucket, name)
  if (there?.info.nuid !== nuid || there.info.deleted) return true
  if (await isComplete(bucket, there)) return false
  await putTombstone(bucket, there)
  return true
}
