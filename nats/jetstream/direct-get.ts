import { JetStreamError, Unreachable, type Broker } from '../connection/broker.ts'
import { parseStatus } from '../connection/wire/header-block.ts'
import { parseRawMessage, parseStoredMessage, type StoredMessage } from './stored-message.ts'

/** Direct gets: any replica answers, without a consumer. A replica can lag behind the stream leader. */

/** The last message of a subject; null when there is none. */
export async function readLast(
  broker: Broker,
  stream: string,
  subject: string,
): Promise<StoredMessage | null> {
  const answer = await broker.request(`$JS.API.DIRECT.GET.${stream}.${subject}`)
  const status = answer.headers?.code ?? 0
  if (status === 0) return parseStoredMessage(answer)
  if (status === 404) return null
  throw errorOf(status, answer.headers?.description)
}

export interface BatchRequest {
  /** First sequence, from 1. */
  readonly seq: number
  /** Only this subject; default all. */
  readonly subject?: string
  /** The number of messages at most. */
  readonly batch: number
}

const timeoutMs = 5000

/** The next messages from a sequence on, all in memory: choose the batch accordingly. Empty when there are none. */
export async function readBatch(
  broker: Broker,
  stream: string,
  request: BatchRequest,
): Promise<StoredMessage[]> {
  const { seq, subject, batch } = request
  if (!broker.isConnected) await broker.waitUntilConnected(timeoutMs)
  const which = subject === undefined ? { seq, batch } : { seq, batch, next_by_subj: subject }
  const found: StoredMessage[] = []
  return new Promise((resolve, reject) => {
    broker.rawRequests.request(`$JS.API.DIRECT.GET.${stream}`, JSON.stringify(which), timeoutMs, {
      onReply(message) {
        const { code, description } = parseStatus(message.headerBlock)
        if (code === 0) found.push(parseRawMessage(message))
        else if (code === 204 || code === 404) resolve(found)
        else reject(errorOf(code, description))
        return code !== 0
      },
      onError: (reason) => reject(new Unreachable(`${reason}: ${stream}`)),
    })
  })
}

function errorOf(status: number, description = 'rejected'): Error {
  const message = `${description} (${status})`
  return status === 503 || status === 408 ? new Unreachable(message) : new JetStreamError(status, message)
}
