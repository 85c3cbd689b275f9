import { Fault } from '@pixelflow/core/fault'
import { Refused, wrongLastSequence } from './broker.ts'
import { describe, putDescription, putTombstone, type Bucket } from './bucket.ts'
import type { Described, ObjectInfo } from './object-info.ts'

const mostRaces = 10

/** Puts a description under its name unless one is there that is to be kept; answers with the one that stands. */
export async function claim(bucket: Bucket, info: ObjectInfo, keepMs: number): Promise<Described> {
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
    const isFresh = there !== null && !there.info.deleted && Date.now() - there.at.getTime() < keepMs
    if (there && (isOurs || isFresh)) return there
    after = there?.seq ?? 0
  }
  throw new Fault('storage_failed', 'Too many writes of one name at once.')
}

/** Takes a description back if it is this write's, so that no name is left without its bytes. */
export async function withdraw(bucket: Bucket, name: string, nuid: string): Promise<void> {
  const there = await describe(bucket, name)
  if (there?.info.nuid === nuid && !there.info.deleted) await putTombstone(bucket, there)
}
