import type { Http2Server, ServerHttp2Session } from 'node:http2'
import { goawayCodes, maxStreamId, sendGoaway } from './send-goaway.ts'

export interface MaxConnectionAgeOptions {
  /** Age at which a connection gets GOAWAY, with 10 % jitter. */
  readonly ageMs: number
  /** How long active calls may continue after GOAWAY. */
  readonly graceMs: number
}

/** Closes old connections, so that long-lived streams spread over all gateways again. */
export interface MaxConnectionAge {
  /** Applies the limit to all connections of a server. */
  attach(server: Http2Server): void
  /** Aborts when the connection gets GOAWAY; undefined for an unknown connection. */
  goawaySignalOf(session: ServerHttp2Session | undefined): AbortSignal | undefined
}

/**
 * grpc-js has `grpc.max_connection_age_ms`, but it does not inform the calls: a watch would stay on the old connection
 * for as long as uploads may take there, and then be cut off. This one aborts a signal at once, so watches move to another
 * connection while uploads finish. No upstream issue is known. Remove this file when grpc-js reports GOAWAY to server
 * calls and `connections.test.ts` passes with its option.
 */
export function createMaxConnectionAge({ ageMs, graceMs }: MaxConnectionAgeOptions): MaxConnectionAge {
  const controllers = new WeakMap<ServerHttp2Session, AbortController>()
  return {
    goawaySignalOf: (session) => session && controllers.get(session)?.signal,
    attach: (server) =>
      void server.on('session', (session: ServerHttp2Session) => {
        const goaway = new AbortController()
        controllers.set(session, goaway)
        // Jitter spreads the reconnects of connections that were opened together.
        const untilMs = ageMs * (0.9 + Math.random() / 5)
        let timer = setTimeout(() => {
          timer = setTimeout(() => session.destroy(), graceMs)
          timer.unref()
          if (sendGoaway(session, goawayCodes.noError, maxStreamId, 'max_age')) session.close()
          goaway.abort()
        }, untilMs)
        timer.unref()
        session.once('close', () => {
          clearTimeout(timer)
          controllers.delete(session)
        })
      }),
  }
}
