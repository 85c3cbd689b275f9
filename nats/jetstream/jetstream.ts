import type { Msg, MsgHdrs } from '@nats-io/nats-core'
import {
  assertSuccess,
  NoResponders,
  Unreachable,
  type ApiAnswer,
  type Broker,
  type RequestOptions,
} from '../connection/broker.ts'
import type { Chunk } from '../connection/wire/chunk.ts'
import { parseHeaders } from '../connection/wire/header-block.ts'
import type { RawMessage } from '../connection/wire/splitter.ts'

/** The two things that happen for every message, and are therefore done on the wire: storing one, and reading one. */

interface PubAck extends ApiAnswer {
  readonly seq: number
}

/**
 * Stores a message in the stream that its subject belongs to; returns its sequence.
 * @throws Refused when JetStream says no, Unreachable when it cannot be asked just now.
 */
export async function publish(
  broker: Broker,
  subject: string,
  data: Uint8Array | string = '',
  options: RequestOptions = {},
): Promise<number> {
  try {
    const { seq } = assertSuccess((await broker.request(subject, data, options)).json<PubAck>())
    broker.writeFailures.note(subject)
    return seq
  } catch (thrown) {
    noteFailure(broker, subject, thrown)
    throw thrown
  }
}

/**
 * Timeouts and a full store count. A JetStream refusal does not, nor does a lost connection, which `connected` shows.
 */
function noteFailure(broker: Broker, subject: string, thrown: unknown): void {
  if (thrown instanceof Unreachable && broker.isConnected) broker.writeFailures.note(subject, thrown)
}

const chunkTimeoutMs = 10_000

/**
 * Stores a chunk's content likewise. It must not be touched before this has ended; when it failed, not even then, since
 * it may still be on its way to the socket.
 */
export function publishChunk(broker: Broker, subject: string, chunk: Chunk): Promise<number> {
  return new Promise((resolve, reject) => {
    if (!broker.isConnected) throw new Unreachable('the connection is away')
    const committed = (seq: number) => {
      broker.writeFailures.note(subject)
      return seq
    }
    broker.rawRequests.requestChunk(subject, chunk, chunkTimeoutMs, {
      onReply({ headerBlock, parts }) {
        // An ack has no headers; the server's word that nobody listens has.
        if (headerBlock.length > 0) reject(new NoResponders(`nobody stores ${subject}`))
        else resolve(ackOf(parts).then(committed))
        return true
      },
      onError: (reason) => {
        const thrown = new Unreachable(`${reason}: ${subject}`)
        noteFailure(broker, subject, thrown)
        reject(thrown)
      },
    })
  })
}

/** Rejects, rather than throws, what JetStream refused: it is read in the middle of everybody's answers. */
async function ackOf(parts: readonly Buffer[]): Promise<number> {
  return assertSuccess(JSON.parse(Buffer.concat(parts).toString()) as PubAck).seq
}

/** A message as it is stored. */
export interface StoredMessage {
  readonly seq: number
  readonly subject: string
  /** When the broker stored it. */
  readonly at: Date
  readonly data: Uint8Array
  /** The same bytes in the pieces in which they arrived, to be read without putting them together. */
  readonly parts: readonly Uint8Array[]
  /** Value of a header; undefined when there is none of that name. */
  header(name: string): string | undefined
}

/** A direct get's answer, or a republished message, as a stored one. */
export function parseStoredMessage(msg: Msg): StoredMessage {
  const headers = msg.headers as MsgHdrs
  return {
    seq: Number(headers.get('Nats-Sequence')),
    subject: headers.get('Nats-Subject'),
    get at() {
      return new Date(headers.get('Nats-Time-Stamp'))
    },
    data: msg.data,
    parts: [msg.data],
    header: (name) => headers.get(name) || undefined,
  }
}

/** The same of an answer taken from the wire. */
export function parseRawMessage({ headerBlock, parts }: RawMessage): StoredMessage {
  const header = parseHeaders(headerBlock)
  return {
    seq: Number(header('Nats-Sequence')),
    subject: header('Nats-Subject') ?? '',
    get at() {
      return new Date(header('Nats-Time-Stamp') ?? '')
    },
    get data() {
      return parts.length === 1 ? (parts[0] as Buffer) : Buffer.concat(parts)
    },
    parts,
    header,
  }
}
