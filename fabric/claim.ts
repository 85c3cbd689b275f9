import { Fault } from '@pixelflow/core/fault'
import { Refused, wrongLastSequence } from './broker.ts'
import { describe, putDescription, putTombstone, type Bucket } from './bucket.ts'
import { readFromLeader } from './manage.ts'
import type { Described, ObjectInfo } from './object-info.ts'
import { chunkSubject } from './topology.ts'

const mostRaces = 10

export interface Keeping {
  /** Bytes younger than this stay when the same name is written again. */
  readonly keepMs: number
  /** A description that stands for longer is written anew when it is met, so that no sweep takes it for forgotten. */
  readonly touchAfterMs: number
}

/** Puts a description under its name unless one is there that is to be kept; answers with the one that stands. */
export async function claim(
  bucket: Bucket,
  info: ObjectInfo,
  { keepMs, touchAfterMs }: Keeping,
): Promise<Described> {
  let after = 0
  for (let race = 0; race < mostRaces; race++) {
    try {
      const seq = await putDescription(bucket, info, after)
      return { info, seq, at: new Date() }
    } catch (thrown) {
      if (!(thrown instanceof Refused) || thrown.code !== wrongLastSequence) throw thrown
    }
    const there = await describe(bucket, info.name)
    const isOurs = there?.info.nuid === info.nuid
    const isFresh =
      there !== null &&
      !there.info.deleted &&
      Date.now() - madeAt(there) < keepMs &&
      (isOurs || (await hasBytes(bucket, there)))
    if (there && (isOurs || (isFresh && Date.now() - there.at.getTime() < touchAfterMs))) return there
    if (there && isFresh) {
      const touched = await touch(bucket, there)
      if (touched) return touched
    }
    after = there?.seq ?? 0
  }
  throw new Fault('storage_failed', 'Too many writes of one name at once.')
}

/**
 * The description of a single chunk is sent along with it, and a server that changes its place in between may take only
 * the second: whoever sent them may not have lived to notice.
 */
async function hasBytes({ broker, name, stream }: Bucket, { info }: Described): Promise<boolean> {
  if (info.chunks !== 1) return true
  return (await readFromLeader(broker, stream, { last_by_subj: chunkSubject(name, info.nuid) })) !== null
}

/** When the bytes were written; touching a description does not make them younger. */
function madeAt({ info, at }: Described): number {
  return Math.min(Date.parse(info.mtime) || Infinity, at.getTime())
}

/** Writes a description once more as it is. Null when it has changed meanwhile. */
async function touch(bucket: Bucket, { info, seq }: Described): Promise<Described | null> {
  try {
    return { info, seq: await putDescription(bucket, info, seq), at: new Date() }
  } catch (thrown) {
    if (thrown instanceof Refused && thrown.code === wrongLastSequence) return null
    throw thrown
  }
}

/**
 * Takes a description back if it is this write's, so that no name is left without its bytes. False when it stands and the
 * one chunk that it tells of is there after all: then somebody else may have met it and rely on it.
 */
export async function withdraw(bucket: Bucket, name: string, nuid: string): Promise<boolean> {
  const there = await describe(bucket, name)
  if (there?.info.nuid !== nuid || there.info.deleted) return true
  if (there.info.chunks === 1 && (await hasBytes(bucket, there))) return false
  await putTombstone(bucket, there)
  return true
}
