import { toRequestError, type Broker } from '../connection/broker.ts'
import { directGetError } from './direct-get-error.ts'
import { parseStoredMessage, type StoredMessage } from './stored-message.ts'

export interface BatchRequest {
  /** First sequence, from 1. */
  readonly seq: number
  /** Only this subject; default all. */
  readonly subject?: string
  /** The number of messages at most. */
  readonly batch: number
}

const timeoutMs = 5000

/**
 * The next messages from a sequence on, all in memory: choose the batch accordingly. Empty when there are none. A direct
 * get: any replica answers, without a consumer. A replica can lag behind the leader of the stream.
 */
export async function readBatch(
  broker: Broker,
  stream: string,
  request: BatchRequest,
): Promise<StoredMessage[]> {
  const { seq, subject, batch } = request
  if (!broker.isConnected) await broker.waitUntilConnected(timeoutMs)
  const query = subject === undefined ? { seq, batch } : { seq, batch, next_by_subj: subject }
  const found: StoredMessage[] = []
  return new Promise((resolve, reject) => {
    broker.rawRequests.request(
      `$JS.API.DIRECT.GET.${stream}`,
      JSON.stringify(query),
      { timeoutMs },
      {
        onReply(message) {
          const { code, description } = message.status
          if (code === 0) found.push(parseStoredMessage(message))
          else if (code === 204 || code === 404) resolve(found)
          else reject(directGetError(code, description))
          return code !== 0
        },
        onError: (reason) => reject(toRequestError(stream, reason)),
      },
    )
  })
}
