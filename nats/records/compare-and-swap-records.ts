import type { CompareAndSwapRecords } from '@pixelflow/core/ports/compare-and-swap-records'
import type { z } from 'zod'
import type { Broker } from '../connection/broker.ts'
import { publishAfter } from '../jetstream/publish-after.ts'
import { readFromLeader } from '../jetstream/read-from-leader.ts'
import { retryWithFaults } from '../jetstream/retry-with-faults.ts'
import { parseRecord } from './parse-record.ts'
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
      const found = await retryWithFaults(() => newest(recordSubject(bucket, account, name)))
      return found && { value: parseRecord(schema, found), revision: found.seq }
    },
    async compareAndSwap(account, name, value, after) {
      const data = JSON.stringify(value)
      return retryWithFaults(() => swap(recordSubject(bucket, account, name), data, after))
    },
  }
}
