import { writeSync } from 'node:fs'

const maxWaitMs = 100
/** How long a line waits for others that are written with it, in milliseconds: one write a line cost more than the line. */
const gatherMs = 10
const maxGatheredLength = 32 * 1024

let gathered = ''
let gatheredLines = 0
let timer: ReturnType<typeof setTimeout> | undefined
let unwritten: Uint8Array = new Uint8Array()
let dropped = 0

process.on('exit', writeGathered)

/**
 * Writes a line within 10 ms, or at once if it is urgent, and in any case before this process exits. If standard output is
 * non-blocking and its reader has stalled, this waits at most 100 ms and then drops lines, so that a stalled reader costs
 * neither memory nor time. The number of dropped lines is logged when the reader continues.
 */
export function writeStdout(line: string, isUrgent = false): void {
  gathered += line
  gatheredLines++
  if (isUrgent || gathered.length > maxGatheredLength) writeGathered()
  else timer ??= setTimeout(writeGathered, gatherMs)
}

function writeGathered(): void {
  clearTimeout(timer)
  timer = undefined
  if (gatheredLines === 0) return
  const [lines, count] = [gathered, gatheredLines]
  gathered = ''
  gatheredLines = 0
  if (!drain()) {
    dropped += count
    return
  }
  const notice =
    dropped === 0
      ? ''
      : `{"time":"${new Date().toISOString()}","level":"warn","service":"log","msg":"lines dropped","count":${dropped}}\n`
  dropped = 0
  unwritten = encoder.encode(notice + lines)
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
