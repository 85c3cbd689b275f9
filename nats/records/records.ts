import type { Records } from '@pixelflow/core/ports/records'
import type { ZodType } from 'zod'
import type { Broker } from '../connection/broker.ts'
import { readLast } from '../jetstream/read-last.ts'
import { publishAfter } from '../jetstream/publish-after.ts'
import type { StoredMessage } from '../jetstream/stored-message.ts'
import { readFromLeader } from '../jetstream/read-from-leader.ts'
import { retryWithFaults } from '../jetstream/retry-with-faults.ts'
import { parseRecord } from './parse-record.ts'
import { recordStream, recordSubject } from '../topology/buckets.ts'
import type { Layout } from '../topology/streams.ts'

const operation = 'KV-Operation'

/** Records in a bucket of the NATS key-value store; any client of that store can read them. */
export function createRecords<T>(
  broker: Broker,
  bucket: string,
  schema: ZodType<T>,
  { natsReplicas }: Pick<Layout, 'natsReplicas'>,
): Records<T> {
  const stream = recordStream(bucket)

  /** The newest entry, possibly a deletion. A replica may lag, so a miss is checked with the leader. */
  const newest = async (subject: string): Promise<StoredMessage | null> => {
    const found = await readLast(broker, stream, subject)
    if (found !== null || natsReplicas === 1) return found
    return readFromLeader(broker, stream, { last_by_subj: subject })
  }

  /** False when the previous entry is not the expected one. */
  const put = async (subject: string, data: string, after: number, mark?: string): Promise<boolean> => {
    const headers = mark === undefined ? {} : { [operation]: mark }
    return (await publishAfter(broker, subject, after, data, { headers })) !== undefined
  }

  const create = async (subject: string, data: string, tries: number): Promise<boolean> => {
    if (await put(subject, data, 0)) return true
    const current = await readFromLeader(broker, stream, { last_by_subj: subject })
    // An equal value comes from an earlier try whose answer was lost.
    if (tries > 1 && current && new TextDecoder().decode(current.data) === data) return true
    return current !== null && isDeleted(current) && (await put(subject, data, current.seq))
  }

  const remove = async (subject: string): Promise<boolean> => {
    const current = await readFromLeader(broker, stream, { last_by_subj: subject })
    return current !== null && !isDeleted(current) && (await put(subject, '', current.seq, 'DEL'))
  }

  return {
    async create(account, id, value) {
      const data = JSON.stringify(value)
      return retryWithFaults((tries) => create(recordSubject(bucket, account, id), data, tries))
    },
    async get(account, id) {
      const found = await retryWithFaults(() => newest(recordSubject(bucket, account, id)))
      return found === null || isDeleted(found) ? null : parseRecord(schema, found)
    },
    async delete(account, id) {
      return retryWithFaults(() => remove(recordSubject(bucket, account, id)))
    },
  }
}

function isDeleted(entry: StoredMessage): boolean {
  return entry.header(operation) !== undefined
}
