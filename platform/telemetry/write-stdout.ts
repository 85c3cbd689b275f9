import { writeSync } from 'node:fs'

const longestWaitMs = 100

let unwritten: Uint8Array = new Uint8Array()
let dropped = 0

/**
 * Writes a line at once, so that the last words before an exit are not lost. Where standard output does not block and
 * its reader has stalled, this waits for 100 ms at most and then drops lines: a stalled reader must cost neither
 * memory nor work. How many were dropped is told once it reads again.
 */
export function toStdout(line: string): void {
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
      else if (waitedMs >= longestWaitMs) return false
      else Atomics.wait(clock, 0, 0, 5)
      waitedMs += 5
    }
  }
  return true
}
