import type { Http2Server, ServerHttp2Session } from 'node:http2'
import { everyStream, goaway, goawayCodes } from './send-goaway.ts'

export interface MaxConnectionAgeOptions {
  /** How old a connection grows before its client is asked to make another, give or take a tenth. */
  readonly ageMs: number
  /** How long calls that are under way by then may take. */
  readonly graceMs: number
}

/** Asks the clients of old connections to make new ones, so that long streams spread anew over all gateways. */
export interface MaxConnectionAge {
  /** Looks after each connection of a server. */
  look(server: Http2Server): void
  /** Aborts when the connection has grown old; undefined where it is not known. */
  goawaySignalOf(session: ServerHttp2Session | undefined): AbortSignal | undefined
}

/**
 * grpc-js has the same, but tells the calls nothing: a watch would stay on its old connection for as long as uploads
 * are given there, and then be cut off. Here it is told to move at once, and the uploads may end in peace.
 */
export function createMaxConnectionAge({ ageMs, graceMs }: MaxConnectionAgeOptions): MaxConnectionAge {
  const young = new WeakMap<ServerHttp2Session, AbortController>()
  return {
    goawaySignalOf: (session) => session && young.get(session)?.signal,
    look: (server) =>
      void server.on('session', (session: ServerHttp2Session) => {
        const moving = new AbortController()
        young.set(session, moving)
        // Connections that were made together are not to be made anew together.
        const untilMs = ageMs * (0.9 + Math.random() / 5)
        let timer = setTimeout(() => {
          timer = setTimeout(() => session.destroy(), graceMs)
          timer.unref()
          if (goaway(session, goawayCodes.noError, everyStream, 'max_age')) session.close()
          moving.abort()
        }, untilMs)
        timer.unref()
        session.once('close', () => {
          clearTimeout(timer)
          young.delete(session)
        })
      }),
  }
}
