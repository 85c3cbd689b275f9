import { assertSuccess } from '../connection/jet-stream-error.ts'
import { NoResponders, Unreachable } from '../connection/unreachable.ts'
import { toRequestError } from '../connection/broker.ts'
import type { RawMessage } from '../connection/wire/raw-message.ts'
import type { ApiAnswer } from '../connection/jet-stream-error.ts'
import type { Broker, RequestOptions } from '../connection/broker.ts'
import type { Chunk } from '../connection/wire/chunk.ts'

interface PubAck extends ApiAnswer {
  readonly seq: number
}

/**
 * Stores a message in the stream that its subject belongs to; returns its sequence.
 * @throws JetStreamError when JetStream rejects the message, Unreachable when it does not answer.
 */
export async function publish(
  broker: Broker,
  subject: string,
  data: Uint8Array | string = '',
  options: RequestOptions = {},
): Promise<number> {
  return noteResult(broker, subject, broker.request(subject, data, options).then(parseAck))
}

/** Notes whether the stream of the subject could be written. */
async function noteResult(broker: Broker, subject: string, storing: Promise<number>): Promise<number> {
  try {
    const seq = await storing
    broker.writeFailures.note(subject)
    return seq
  } catch (thrown) {
    noteFailure(broker, subject, thrown)
    throw thrown
  }
}

/** Counts timeouts and a full store. A rejected message is not a failure of the store. `isConnected` shows a disconnect. */
function noteFailure(broker: Broker, subject: string, thrown: unknown): void {
  if (thrown instanceof Unreachable && broker.isConnected) broker.writeFailures.note(subject, thrown)
}

const chunkTimeoutMs = 10_000

/**
 * Stores the content of a chunk without copying it. Do not change the chunk before this resolves, and never reuse it
 * after a failure: it may still be in the socket's queue.
 */
export function publishChunk(broker: Broker, subject: string, chunk: Chunk): Promise<number> {
  return new Promise((resolve, reject) => {
    if (!broker.isConnected) throw new Unreachable('disconnected')
    broker.rawRequests.requestChunk(subject, chunk, chunkTimeoutMs, {
      onReply(message) {
        if (message.isNoResponders) reject(new NoResponders(`no stream stores ${subject}`))
        else resolve(noteResult(broker, subject, parseAck(message)))
        return true
      },
      onError: (reason) => {
        const thrown = toRequestError(subject, reason)
        noteFailure(broker, subject, thrown)
        reject(thrown)
      },
    })
  })
}

/** Rejects instead of throwing: the caller runs inside the parser of all replies. */
async function parseAck(message: RawMessage): Promise<number> {
  return assertSuccess(message.json<PubAck>()).seq
}
