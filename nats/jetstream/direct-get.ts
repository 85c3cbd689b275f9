import { JetStreamError, Unreachable, type Broker } from '../connection/broker.ts'
import { parseStoredMessage, parseRawMessage, type StoredMessage } from './jetstream.ts'
import { parseStatus } from '../connection/wire/header-block.ts'

/**
 * Direct gets: reads that any replica answers, without a consumer. On a replicated stream they may be a moment behind
 * its leader.
 */

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
  throw refusal(status, answer.headers?.description)
}

export interface BatchRequest {
  /** First sequence to look at, from 1. */
  readonly seq: number
  /** Only this subject; default all. */
  readonly subject?: string
  /** So many messages at most. */
  readonly batch: number
}

const silenceMs = 5000

/** The next messages from a sequence on, at once: mind how large a batch gets in memory. Empty when there are none. */
export async function readBatch(
  broker: Broker,
  stream: string,
  request: BatchRequest,
): Promise<StoredMessage[]> {
  const { seq, subject, batch } = request
  if (!broker.isConnected) await broker.waitUntilConnected(silenceMs)
  const which = subject === undefined ? { seq, batch } : { seq, batch, next_by_subj: subject }
  const found: StoredMessage[] = []
  return new Promise((resolve, reject) => {
    broker.rawRequests.request(`$JS.API.DIRECT.GET.${stream}`, JSON.stringify(which), silenceMs, {
      onReply(message) {
        const { code, description } = parseStatus(message.headerBlock)
        if (code === 0) found.push(parseRawMessage(message))
        else if (code === 204 || code === 404) resolve(found)
        else reject(refusal(code, description))
        return code !== 0
      },
      onError: (reason) => reject(new Unreachable(`${reason}: ${stream}`)),
    })
  })
}

function refusal(status: number, description = 'refused'): Error {
  const said = `${description} (${status})`
  return status === 503 || status === 408 ? new Unreachable(said) : new JetStreamError(status, said)
}
