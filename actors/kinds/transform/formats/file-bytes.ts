import { closeSync, fstatSync, openSync, readSync } from 'node:fs'

/** Random access to a file, or to bytes in memory. */
export interface FileBytes {
  /** Size in bytes. */
  readonly length: number
  /** `count` bytes from `at`, fewer at the end of the file. The view is valid until the next call. */
  read(at: number, count: number): Buffer
}

/** Bytes of one read: a header takes one read, a chain of small blocks one read every 64 KiB. */
const windowBytes = 64 * 1024

/** Calls `use` with access to a file or to its bytes, and closes the file afterwards. */
export function withFileBytes<T>(input: string | Buffer, use: (bytes: FileBytes) => T): T {
  if (typeof input !== 'string')
    return use({ length: input.length, read: (at, count) => input.subarray(at, at + count) })
  const file = openSync(input, 'r')
  try {
    return use(openWindow(file, fstatSync(file).size))
  } finally {
    closeSync(file)
  }
}

function openWindow(file: number, length: number): FileBytes {
  const buffer = Buffer.allocUnsafe(windowBytes)
  let from = 0
  let held = 0
  return {
    length,
    read(at, count) {
      if (at >= from && at + count <= from + held) return buffer.subarray(at - from, at - from + count)
      if (count > windowBytes) {
        const large = Buffer.allocUnsafe(Math.max(0, Math.min(count, length - at)))
        return large.subarray(0, readSync(file, large, 0, large.length, at))
      }
      from = at
      held = at < length ? readSync(file, buffer, 0, windowBytes, at) : 0
      return buffer.subarray(0, Math.min(count, held))
    },
  }
}
