import { writeSync } from 'node:fs'

const maxWaitMs = 100

let unwritten: Uint8Array = new Uint8Array()
let dropped = 0

/**
 * Writes a line synchronously, so that lines before an exit are not lost. If standard output is non-blocking and its reader
 * has stalled, this waits at most 100 ms and then drops lines, so that a stalled reader costs neither memory nor time. The
 * number of dropped lines is logged when the reader continues.
 */
export function writeStdout(line: string): void {
  if (!drain()) {
    dropped++
    return
  }
  const notice =
    dropped === 0
      ? ''
      : `{"time":"${new Date().toISOString()}","level":"warn","service":"log","msg":"lines dropped","count":${dropped}}\n`
  dropped = 0
  unwritten = encoder.encode(notice + line)
  drain()
}

const encoder = new TextEncoder()
const clock = new Int32Array(new SharedArrayBuffer(4))

function drain(): boolean {
  for (let waitedMs = 0; unwritten.length > 0;) {
    try {
      unwritten = unwritten.subarray(writeSync(1, unwritten))
    } catch (thrown) {
      if ((thrown as { code?: string }).code !== 'EAGAIN') unwritten = new Uint8Array()
      else if (waitedMs >= maxWaitMs) return false
      else Atomics.wait(clock, 0, 0, 5)
      waitedMs += 5
    }
  }
  return true
}
