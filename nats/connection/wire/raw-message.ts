import { parseStatus, type HeaderStatus } from './parse-headers.ts'

/** A received message whose content was not copied. */
export class RawMessage {
  readonly subject: string
  /** The subject for an answer; empty when none is expected. */
  readonly reply: string
  /** The header block as received; empty when the message has no headers. */
  readonly headerBlock: Buffer
  /** The payload in the chunks in which it was received; they are views of the received buffers. */
  readonly chunks: readonly Buffer[]

  constructor(subject: string, reply: string, headerBlock: Buffer, chunks: readonly Buffer[]) {
    this.subject = subject
    this.reply = reply
    this.headerBlock = headerBlock
    this.chunks = chunks
  }

  /** The payload; copied when it was received in several chunks. */
  get data(): Buffer {
    return this.chunks.length === 1 ? (this.chunks[0] as Buffer) : Buffer.concat(this.chunks)
  }

  /** The status in the headers; code 0 when there is none. */
  get status(): HeaderStatus {
    return parseStatus(this.headerBlock)
  }

  /** Whether this is the server's answer to a message on a subject without a subscriber. */
  get isNoResponders(): boolean {
    return this.headerBlock.length > 0 && this.chunks.length === 0 && this.status.code === 503
  }

  string(): string {
    return this.data.toString()
  }

  /** @throws SyntaxError when the payload is not JSON. */
  json<T>(): T {
    return JSON.parse(this.string()) as T
  }
}
