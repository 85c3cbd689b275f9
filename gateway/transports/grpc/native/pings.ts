import type { Http2Server, ServerHttp2Session } from 'node:http2'
import { goaway, goawayCodes } from './goaway.ts'

/** Pings in a row that a client may send on a connection that is otherwise quiet; one more is forgiven each second. */
const mostPings = 100
/** What a ping's own answer takes on the wire. */
const answerBytes = 17
/** Less than this is no transfer that a ping could measure. */
const leastTransfer = 1024

/**
 * Ends connections that are pinged for nothing, as gRPC has it: GOAWAY with too_many_pings, which makes a client ping
 * less often. Pings that measure a transfer come with what we send, and are not counted.
 */
export function restrainPings(server: Http2Server): void {
  server.on('session', (session: ServerHttp2Session) => {
    let left = mostPings
    let countedAt = performance.now()
    let pings = 0
    /** Bytes that were more than answers to pings; those may leave together, after several. */
    let others = 0
    session.on('ping', () => {
      const now = performance.now()
      left = Math.min(mostPings, left + (now - countedAt) / 1000)
      countedAt = now
      const written = session.socket.bytesWritten - answerBytes * pings
      pings += 1
      if (written >= others + leastTransfer) {
        others = written
        left = mostPings
      } else if ((left -= 1) < 0) calm(session)
    })
  })
}

function calm(session: ServerHttp2Session): void {
  if (session.destroyed) return
  goaway(session, goawayCodes.enhanceYourCalm, 0, 'too_many_pings')
  // After the word has left.
  setImmediate(() => session.destroy())
}
