import type { Server } from 'bun'

const lookEveryMs = 50
const touchEveryMs = 10_000
const silenceSeconds = 60
/** A client that takes less than this on average is cut off. */
const slowestBytesPerMs = 128
const graceMs = 5 * 60_000

/** Tells when an answer has left, whole or not: nothing that it is made of may be let go of earlier. */
export interface SendTracker extends Disposable {
  /** Calls `done` once the answer to this request has left or its client has gone. */
  whenSent(request: Request, server: Server<unknown> | null, bytes: number, done: () => void): void
  /** Bytes of all answers under way. */
  readonly bytes: number
}

interface Leaving {
  readonly request: Request
  readonly server: Server<unknown>
  readonly bytes: number
  readonly done: () => void
  readonly deadline: number
  nextTouch: number
}

/**
 * Bun has no event for it, but forgets the client's address once an answer is over, so that is looked at. Nor does a
 * file that is being sent count as activity: the idle timeout would cut a slow reader off in the middle, and is put off
 * from here for as long as the reader can reasonably need.
 */
export function createSendTracker(): SendTracker {
  const leaving = new Set<Leaving>()
  let timer: ReturnType<typeof setInterval> | undefined
  let bytes = 0

  const end = (one: Leaving) => {
    leaving.delete(one)
    bytes -= one.bytes
    one.done()
  }
  const look = () => {
    const now = performance.now()
    for (const one of leaving) {
      if (one.server.requestIP(one.request) === null) end(one)
      else if (now >= one.nextTouch && now < one.deadline) {
        one.nextTouch = now + touchEveryMs
        one.server.timeout(one.request, silenceSeconds)
      }
    }
    if (leaving.size > 0) return
    clearInterval(timer)
    timer = undefined
  }

  return {
    whenSent(request, server, size, done) {
      if (server === null) return done()
      const now = performance.now()
      const deadline = now + graceMs + size / slowestBytesPerMs
      leaving.add({ request, server, bytes: size, done, deadline, nextTouch: now })
      bytes += size
      timer ??= setInterval(look, lookEveryMs)
    },
    get bytes() {
      return bytes
    },
    [Symbol.dispose]() {
      clearInterval(timer)
      for (const one of leaving) end(one)
    },
  }
}
