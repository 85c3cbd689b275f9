import { blobName, imageRecord } from '@pixelflow/core/image'
import type { Events } from '@pixelflow/core/ports/events'
import type { Sweeper, SweepResult } from '@pixelflow/core/ports/sweeper'
import { outputObject } from '@pixelflow/core/task'
import { faultOf } from '../../connection/fault-of.ts'
import type { Broker } from '../../connection/broker.ts'
import { purgeChunks, putTombstone, createBucket, type Bucket } from '../bucket.ts'
import { readLast } from '../../jetstream/read-last.ts'
import type { StoredMessage } from '../../jetstream/stored-message.ts'
import { leaderTime, readStreamInfo } from '../../jetstream/read-stream-info.ts'
import { parseObjectEntry, type ObjectEntry } from '../object-info.ts'
import { retryUnreachable } from '../../jetstream/retry-unreachable.ts'
import {
  blobBuckets,
  chunkSubject,
  recordBuckets,
  recordStream,
  recordSubjects,
  blobSubjects,
} from '../../topology/buckets.ts'
import type { Layout } from '../../topology/streams.ts'
import { createBloomFilter } from './bloom-filter.ts'
import { listMessages, listSubjects } from './list-messages.ts'

export interface SweeperOptions {
  readonly events: Pick<Events, 'last'>
  readonly layout: Pick<Layout, 'natsReplicas'>
  /**
   * Bytes written or touched more recently stay even without a reference, in milliseconds. Must be longer than any pause of an
   * upload, and than a result waits for its task to refer to it.
   */
  readonly graceMs: number
}

/** Whether a blob is referenced. */
type IsReferenced = (name: string) => boolean | Promise<boolean>

/**
 * Mark and sweep in constant memory: references are marked in a Bloom filter. Blobs that a false positive keeps are found by a
 * later sweep, which has another seed.
 */
export function createSweeper(broker: Broker, { events, layout, graceMs }: SweeperOptions): Sweeper {
  const newSeed = () => BigInt(Math.floor(Math.random() * 2 ** 32))

  /** Image records refer to their bytes by account and digest. */
  const referencedSources = async (signal: AbortSignal): Promise<IsReferenced> => {
    const references = createBloomFilter(newSeed())
    const bucket = recordBuckets.images
    for await (const { data } of listMessages(broker, recordStream(bucket), recordSubjects(bucket), signal)) {
      const record = imageRecord.safeParse(parseJson(data)).data
      if (record) references.add(blobName(record.account, record.sha256))
    }
    return references.mayHave
  }

  /** Tasks refer to their outputs by name; an active task may do so soon. */
  const isReferencedResult: IsReferenced = async (name) => {
    const [account = '', task = '', stage = ''] = name.split('/')
    const last = await events.last(account, task)
    if (last === null || last.event.kind === 'deleted') return false
    const { status, outputs } = last.event.task
    const isActive = status === 'queued' || status === 'running'
    return isActive || outputs.some((output) => outputObject(account, task, stage, output.name) === name)
  }

  const sweepBucket = async (
    bucket: Bucket,
    isReferenced: IsReferenced,
    signal: AbortSignal,
  ): Promise<SweepResult> => {
    // The time comes from the server that dates the messages; messages stored from now on are ignored.
    const info = await retryUnreachable(() => readStreamInfo(broker, bucket.stream), { signal })
    const oldBefore = leaderTime(info) - graceMs
    const isOld = ({ at, seq }: { at: Date; seq: number }) =>
      at.getTime() < oldBefore && seq <= info.state.last_seq
    const known = createBloomFilter(newSeed())
    let blobs = 0
    for await (const message of listMessages(broker, bucket.stream, blobSubjects(bucket.name), signal)) {
      const found = tryParse(message)
      if (found === undefined || found.info.deleted) continue
      if (isOld(found) && !(await isReferenced(found.info.name)) && (await remove(bucket, found))) blobs += 1
      else known.add(found.info.nuid)
    }
    let orphanedChunks = 0
    const chunks = chunkSubject(bucket.name, '>')
    for await (const subject of listSubjects(broker, bucket.stream, chunks, signal)) {
      const nuid = subject.slice(subject.lastIndexOf('.') + 1)
      if (known.mayHave(nuid)) continue
      const last = await retryUnreachable(() => readLast(broker, bucket.stream, subject), { signal })
      if (last === null || !isOld(last)) continue
      await retryUnreachable(() => purgeChunks(bucket, nuid), { signal })
      orphanedChunks += 1
    }
    return { blobs, orphanedChunks }
  }

  return {
    async sweep(signal) {
      try {
        const bucket = (name: string) => createBucket(broker, name, layout.natsReplicas)
        const sources = await sweepBucket(
          bucket(blobBuckets.sources),
          await referencedSources(signal),
          signal,
        )
        const results = await sweepBucket(bucket(blobBuckets.results), isReferencedResult, signal)
        return {
          blobs: sources.blobs + results.blobs,
          orphanedChunks: sources.orphanedChunks + results.orphanedChunks,
        }
      } catch (thrown) {
        signal.throwIfAborted()
        throw faultOf(thrown)
      }
    },
  }
}

/** Removes a blob unless its description was written again since: storing the same bytes again does that. */
async function remove(bucket: Bucket, found: ObjectEntry): Promise<boolean> {
  if (!(await retryUnreachable(() => putTombstone(bucket, found)))) return false
  await retryUnreachable(() => purgeChunks(bucket, found.info.nuid))
  return true
}

/** Undefined for an entry with an unknown format. */
function tryParse(message: StoredMessage): ObjectEntry | undefined {
  try {
    return parseObjectEntry(message)
  } catch {
    return undefined
  }
}

function parseJson(data: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder().decode(data))
  } catch {
    return undefined
  }
}
