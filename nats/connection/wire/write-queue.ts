/**
 * Joins what is written within one turn of the event loop: a write of the socket costs more than all other work for a small
 * message.
 */
export interface WriteQueue {
  /**
   * Adds bytes, or ASCII text, behind what was added before. Bytes must not be changed afterwards: large ones are written
   * without copying.
   */
  add(part: Uint8Array | string): void
  /** Writes everything now. */
  flush(): void
}

/** Longer parts are written without copying. */
const minSeparateBytes = 16 * 1024
/** The last bytes of a long part that are written together with what follows: its line end and the next command. */
const tailBytes = 512
/** More than this is written at once. */
const maxQueuedBytes = 64 * 1024

/** @param write takes ownership of the bytes. */
export function createWriteQueue(write: (bytes: Uint8Array) => void): WriteQueue {
  let small: (Uint8Array | string)[] = []
  let smallBytes = 0
  let isPlanned = false

  const addSmall = (part: Uint8Array | string) => {
    small.push(part)
    smallBytes += part.length
  }
  const writeSmall = () => {
    if (smallBytes === 0) return
    const parts = small
    const joined = Buffer.allocUnsafe(smallBytes)
    small = []
    smallBytes = 0
    let at = 0
    for (const part of parts) {
      if (typeof part === 'string') joined.write(part, at, 'latin1')
      else joined.set(part, at)
      at += part.length
    }
    write(joined)
  }
  const flush = () => {
    isPlanned = false
    writeSmall()
  }

  return {
    add(part) {
      if (typeof part !== 'string' && part.length >= minSeparateBytes) {
        writeSmall()
        write(part.subarray(0, part.length - tailBytes))
        part = part.subarray(part.length - tailBytes)
      }
      addSmall(part)
      if (smallBytes > maxQueuedBytes) writeSmall()
      else if (!isPlanned) {
        isPlanned = true
        setImmediate(flush)
      }
    },
    flush: writeSmall,
  }
}
