import type { Server } from 'bun'

const pollIntervalMs = 50
const renewIntervalMs = 10_000
const idleTimeoutSeconds = 60
/** Clients that read less than this on average are disconnected. */
const minBytesPerMs = 128
const graceMs = 5 * 60_000

/** Reports when a response was sent or its client has disconnected, so that its buffer can be released. */
export interface SendTracker extends Disposable {
  /** Calls `done` once the response to this request was sent or its client has disconnected. */
  whenSent(request: Request, server: Server<unknown> | null, bytes: number, done: () => void): void
  /** Bytes of all responses that are being sent. */
  readonly bytes: number
}

interface PendingResponse {
  readonly request: Request
  readonly server: Server<unknown>
  readonly bytes: number
  readonly done: () => void
  readonly deadline: number
  renewAt: number
}

/**
 * Workaround for Bun 1.4.5: it has no event for the end of a response, but `requestIP` returns null after it, so this polls.
 * No upstream issue is known. Remove this when Bun reports the end of a response and `send-content.test.ts` passes without
 * it.
 *
 * The idle timeout of Bun also disconnects a client that reads slowly (https://github.com/oven-sh/bun/pull/41602), so it is
 * renewed here for as long as the client may reasonably take.
 */
export function createSendTracker(): SendTracker {
  const active = new Set<PendingResponse>()
  let timer: ReturnType<typeof setInterval> | undefined
  let bytes = 0

  const finish = (response: PendingResponse) => {
    active.delete(response)
    bytes -= response.bytes
    response.done()
  }
  const poll = () => {
    const now = performance.now()
    for (const one of active) {
      if (one.server.requestIP(one.request) === null) finish(one)
      else if (now >= one.renewAt && now < one.deadline) {
        one.renewAt = now + renewIntervalMs
        one.server.timeout(one.request, idleTimeoutSeconds)
      }
    }
    if (active.size > 0) return
    clearInterval(timer)
    timer = undefined
  }

  return {
    whenSent(request, server, size, done) {
      if (server === null) return done()
      const now = performance.now()
      const deadline = now + graceMs + size / minBytesPerMs
      active.add({ request, server, bytes: size, done, deadline, renewAt: now })
      bytes += size
      timer ??= setInterval(poll, pollIntervalMs)
    },
    get bytes() {
      return bytes
    },
    [Symbol.dispose]() {
      clearInterval(timer)
      for (const one of active) finish(one)
    },
  }
}
