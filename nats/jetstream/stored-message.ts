import type { Msg, MsgHdrs } from '@nats-io/nats-core'
import { parseHeaders } from '../connection/wire/parse-headers.ts'
import type { RawMessage } from '../connection/wire/splitter.ts'

/** A message of a stream. */
export interface StoredMessage {
  readonly seq: number
  readonly subject: string
  /** When the broker stored it. */
  readonly at: Date
  readonly data: Uint8Array
  /** The data in the chunks in which it arrived; reading them avoids a copy. */
  readonly chunks: readonly Uint8Array[]
  /** The value of a header; undefined when it is missing. */
  header(name: string): string | undefined
}

/** From the answer to a direct get, or from a republished message. */
export function parseStoredMessage(msg: Msg): StoredMessage {
  const headers = msg.headers as MsgHdrs
  return {
    seq: Number(headers.get('Nats-Sequence')),
    subject: headers.get('Nats-Subject'),
    get at() {
      return new Date(headers.get('Nats-Time-Stamp'))
    },
    data: msg.data,
    chunks: [msg.data],
    header: (name) => headers.get(name) || undefined,
  }
}

/** The same from an intercepted answer. */
export function parseRawMessage({ headerBlock, chunks }: RawMessage): StoredMessage {
  const header = parseHeaders(headerBlock)
  return {
    seq: Number(header('Nats-Sequence')),
    subject: header('Nats-Subject') ?? '',
    get at() {
      return new Date(header('Nats-Time-Stamp') ?? '')
    },
    get data() {
      return chunks.length === 1 ? (chunks[0] as Buffer) : Buffer.concat(chunks)
    },
    chunks,
    header,
  }
}
