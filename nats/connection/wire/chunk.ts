/** Room in front of the content for the command that publishes it: its subject, reply subject and length. */
const frontBytes = 512
const crlf = Buffer.from('\r\n')

/** A buffer that can be sent as it stands: what goes around the content on the wire fits around it in memory. */
export interface Chunk {
  /** Where the content goes, from its beginning. */
  readonly room: Uint8Array
  /** How much of the room is content; the rest is not sent. */
  used: number
  /** The whole PUB command. @throws RangeError when the subjects are longer than the server would take. */
  publish(subject: string, reply: string): Uint8Array
}

export function createChunk(bytes: number): Chunk {
  const buffer = Buffer.allocUnsafeSlow(frontBytes + bytes + crlf.length)
  return {
    room: buffer.subarray(frontBytes, frontBytes + bytes),
    used: 0,
    publish(subject, reply) {
      const command = `PUB ${subject} ${reply} ${this.used}\r\n`
      if (command.length > frontBytes) throw new RangeError(`subjects of ${command.length} bytes`)
      const start = frontBytes - command.length
      buffer.write(command, start, 'latin1')
      const end = frontBytes + this.used
      crlf.copy(buffer, end)
      return buffer.subarray(start, end + crlf.length)
    },
  }
}
