import { headers } from '@nats-io/nats-core'
import { Fault } from '@pixelflow/core/fault'
import type { CompareAndSwapRecords } from '@pixelflow/core/ports/compare-and-swap-records'
import type { z } from 'zod'
import { faultOf, JetStreamError, wrongLastSequence, type Broker } from '../connection/broker.ts'
import { publish } from '../jetstream/publish.ts'
import { readFromLeader } from '../jetstream/jetstream-api.ts'
import { retryUnreachable } from '../jetstream/retry-unreachable.ts'
import { recordStream, recordSubject } from '../topology/topology.ts'

/** Values in a bucket of the NATS key-value store, each written under the sequence of the one before. */
export function createCompareAndSwapRecords<T>(
  broker: Broker,
  bucket: string,
  schema: z.ZodType<T>,
): CompareAndSwapRecords<T> {
  const stream = recordStream(bucket)
  const newest = (subject: string) => readFromLeader(broker, stream, { last_by_subj: subject })

  const put = async (subject: string, data: string, after: number): Promise<number | null> => {
    const fence = headers()
    fence.set('Nats-Expected-Last-Subject-Sequence', String(after))
    try {
      return await publish(broker, subject, data, { headers: fence })
    } catch (thrown) {
      if (!(thrown instanceof JetStreamError) || thrown.code !== wrongLastSequence) throw thrown
      const there = await newest(subject)
      // An earlier try of ours whose answer was lost.
      return there !== null && new TextDecoder().decode(there.data) === data ? there.seq : null
    }
  }

  return {
    async get(account, name) {
      try {
        const found = await retryUnreachable(() => newest(recordSubject(bucket, account, name)))
        if (found === null) return null
        const value = schema.safeParse(JSON.parse(new TextDecoder().decode(found.data)))
        if (value.success) return { value: value.data, revision: found.seq }
        const detail = `The record ${found.subject} cannot be read by this version.`
        throw new Fault('storage_failed', detail, { cause: value.error })
      } catch (thrown) {
        throw faultOf(thrown)
      }
    },
    async compareAndSwap(account, name, value, after) {
      const data = JSON.stringify(value)
      try {
        return await retryUnreachable(() => put(recordSubject(bucket, account, name), data, after))
      } catch (thrown) {
        throw faultOf(thrown)
      }
    },
  }
}
