import { JetStreamError, wrongLastSequence } from '../connection/jet-stream-error.ts'
import type { Broker, RequestOptions } from '../connection/broker.ts'
import { publish } from './publish.ts'

/**
 * Stores a message if `last` is the sequence of the last message of its subject; 0 means that the subject has none. Returns
 * the new sequence, or undefined on a conflict.
 * @throws JetStreamError when JetStream rejects the message for another reason, Unreachable when it does not answer.
 */
export async function publishAfter(
  broker: Broker,
  subject: string,
  last: number,
  data: Uint8Array | string = '',
  options: RequestOptions = {},
): Promise<number | undefined> {
  const headers = { ...options.headers, 'Nats-Expected-Last-Subject-Sequence': String(last) }
  try {
    return await publish(broker, subject, data, { ...options, headers })
  } catch (thrown) {
    if (thrown instanceof JetStreamError && thrown.code === wrongLastSequence) return undefined
    throw thrown
  }
}
