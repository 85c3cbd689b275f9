import { parseHeaders } from '../connection/wire/parse-headers.ts'
import type { RawMessage } from '../connection/wire/raw-message.ts'

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
export function parseStoredMessage({ headerBlock, chunks }: RawMessage): StoredMessage {
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
