import { Fault } from '@pixelflow/core/fault'
import type { CompareAndSwapRecords } from '@pixelflow/core/ports/compare-and-swap-records'
import type { z } from 'zod'
import { faultOf, type Broker } from '../connection/broker.ts'
import { publishAfter } from '../jetstream/publish-after.ts'
import { readFromLeader } from '../jetstream/read-from-leader.ts'
import { retryUnreachable } from '../jetstream/retry-unreachable.ts'
import { recordStream, recordSubject } from '../topology/buckets.ts'

/** Values in a bucket of the NATS key-value store, written with the expected sequence of the previous value. */
export function createCompareAndSwapRecords<T>(
  broker: Broker,
  bucket: string,
  schema: z.ZodType<T>,
): CompareAndSwapRecords<T> {
  const stream = recordStream(bucket)
  const newest = (subject: string) => readFromLeader(broker, stream, { last_by_subj: subject })

  const swap = async (subject: string, data: string, after: number): Promise<number | null> => {
    const seq = await publishAfter(broker, subject, after, data)
    if (seq !== undefined) return seq
    const current = await newest(subject)
    // An equal value comes from an earlier try whose answer was lost.
    return current !== null && new TextDecoder().decode(current.data) === data ? current.seq : null
  }

  return {
    async get(account, name) {
      try {
        const found = await retryUnreachable(() => newest(recordSubject(bucket, account, name)))
        if (found === null) return null
        const value = schema.safeParse(JSON.parse(new TextDecoder().decode(found.data)))
        if (value.success) return { value: value.data, revision: found.seq }
        throw new Fault('incompatible_record', `The record ${found.subject} has an unknown format.`, {
          remedy: 'Start the newest version of PixelFlow that writes to this broker.',
          cause: value.error,
        })
      } catch (thrown) {
        throw faultOf(thrown)
      }
    },
    async compareAndSwap(account, name, value, after) {
      const data = JSON.stringify(value)
      try {
        return await retryUnreachable(() => swap(recordSubject(bucket, account, name), data, after))
      } catch (thrown) {
        throw faultOf(thrown)
      }
    },
  }
}
