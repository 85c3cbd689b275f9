import { allowFree, freeBytes } from '@pixelflow/core/free-bytes'

/** Space in front of the content for the command that publishes it: subject, reply subject and length. */
const commandBytes = 512
const crlf = Buffer.from('\r\n')

/** A buffer that is sent without copying: the PUB command around the content fits into the same memory. */
export interface Chunk {
  /** The space for the content. */
  readonly content: Uint8Array
  /** Bytes of `content` that are used; the rest is not sent. */
  used: number
  /** The whole PUB command. @throws RangeError when the subjects are longer than a server accepts. */
  toPublishCommand(subject: string, reply: string): Uint8Array
  /** Frees its memory; it must not be used afterwards. */
  free(): void
}

export function createChunk(bytes: number): Chunk {
  const buffer = Buffer.allocUnsafeSlow(commandBytes + bytes + crlf.length)
  return {
    content: buffer.subarray(commandBytes, commandBytes + bytes),
    used: 0,
    toPublishCommand(subject, reply) {
      const command = `PUB ${subject} ${reply} ${this.used}\r\n`
      if (command.length > commandBytes) {
        throw new RangeError(`the subject and the reply subject are too long: ${command.length} bytes`)
      }
      const start = commandBytes - command.length
      buffer.write(command, start, 'latin1')
      const end = commandBytes + this.used
      crlf.copy(buffer, end)
      return buffer.subarray(start, end + crlf.length)
    },
    free() {
      allowFree(buffer)
      freeBytes(buffer)
    },
  }
}
