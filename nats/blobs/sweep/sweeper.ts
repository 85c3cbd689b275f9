import { blobName, imageRecord } from '@pixelflow/core/image'
import type { Events } from '@pixelflow/core/ports/events'
import type { Sweeper, SweepResult } from '@pixelflow/core/ports/sweeper'
import { outputObject } from '@pixelflow/core/task'
import { faultOf, JetStreamError, wrongLastSequence, type Broker } from '../../connection/broker.ts'
import { purgeChunks, putTombstone, createBucket, type Bucket } from '../bucket.ts'
import { readLast } from '../../jetstream/direct-get.ts'
import type { StoredMessage } from '../../jetstream/stored-message.ts'
import { leaderTime, streamInfo } from '../../jetstream/jetstream-api.ts'
import { parseObjectEntry, type ObjectEntry } from '../object-info.ts'
import { retryUnreachable } from '../../jetstream/retry-unreachable.ts'
import {
  blobBuckets,
  chunkSubject,
  recordBuckets,
  recordStream,
  recordSubjects,
  blobSubjects,
  type Layout,
} from '../../topology/topology.ts'
import { createBloomFilter } from './bloom-filter.ts'
import { listMessages, listSubjects } from './list-messages.ts'

export interface SweeperOptions {
  readonly events: Pick<Events, 'last'>
  readonly layout: Pick<Layout, 'natsReplicas'>
  /**
   * What was written or touched more recently stays whatever refers to it, in milliseconds: longer than any upload
   * pauses, and than a result waits for its task to point to it.
   */
  readonly graceMs: number
}

/** Whether something still refers to a blob. */
type IsWanted = (name: string) => boolean | Promise<boolean>

/**
 * Mark and sweep, in memory that does not grow with what is stored: references are marked in a filter that may take a
 * few for wanted that are not. They are found by a later sweep, which is mistaken about others.
 */
export function createSweeper(broker: Broker, { events, layout, graceMs }: SweeperOptions): Sweeper {
  const newSeed = () => BigInt(Math.floor(Math.random() * 2 ** 32))

  /** Images point to their bytes by account and digest. */
  const wantedSources = async (signal: AbortSignal): Promise<IsWanted> => {
    const wanted = createBloomFilter(newSeed())
    const bucket = recordBuckets.images
    for await (const { data } of listMessages(broker, recordStream(bucket), recordSubjects(bucket), signal)) {
      const record = imageRecord.safeParse(parsed(data)).data
      if (record) wanted.add(blobName(record.account, record.sha256))
    }
    return wanted.mayHave
  }

  /** Tasks point to their outputs by name; one that is still at work may be about to. */
  const isWantedResult: IsWanted = async (name) => {
    const [account = '', task = '', stage = ''] = name.split('/')
    const last = await events.last(account, task)
    if (last === null || last.event.kind === 'deleted') return false
    const { status, outputs } = last.event.task
    const isAtWork = status === 'queued' || status === 'running'
    return isAtWork || outputs.some((output) => outputObject(account, task, stage, output.name) === name)
  }

  const sweepBucket = async (
    bucket: Bucket,
    isWanted: IsWanted,
    signal: AbortSignal,
  ): Promise<SweepResult> => {
    // The server that dates what is stored says what time it is; what comes from now on is not looked at.
    const info = await retryUnreachable(() => streamInfo(broker, bucket.stream), { signal })
    const oldBefore = leaderTime(info) - graceMs
    const isOld = ({ at, seq }: { at: Date; seq: number }) =>
      at.getTime() < oldBefore && seq <= info.state.last_seq
    const known = createBloomFilter(newSeed())
    let blobs = 0
    for await (const message of listMessages(broker, bucket.stream, blobSubjects(bucket.name), signal)) {
      const found = readable(message)
      if (found === undefined || found.info.deleted) continue
      if (isOld(found) && !(await isWanted(found.info.name)) && (await removed(bucket, found))) blobs += 1
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
        const sources = await sweepBucket(bucket(blobBuckets.sources), await wantedSources(signal), signal)
        const results = await sweepBucket(bucket(blobBuckets.results), isWantedResult, signal)
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

/** Removes a blob unless it was touched since it was looked at: whoever stores the same bytes again touches it. */
async function removed(bucket: Bucket, found: ObjectEntry): Promise<boolean> {
  try {
    await retryUnreachable(() => putTombstone(bucket, found))
  } catch (thrown) {
    if (thrown instanceof JetStreamError && thrown.code === wrongLastSequence) return false
    throw thrown
  }
  await retryUnreachable(() => purgeChunks(bucket, found.info.nuid))
  return true
}

/** Undefined for what somebody else has put there. */
function readable(message: StoredMessage): ObjectEntry | undefined {
  try {
    return parseObjectEntry(message)
  } catch {
    return undefined
  }
}

function parsed(data: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder().decode(data))
  } catch {
    return undefined
  }
}
