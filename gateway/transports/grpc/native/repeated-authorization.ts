import type { Http2Server, IncomingHttpHeaders, ServerHttp2Stream } from 'node:http2'

/**
 * All `authorization` values of a call that has several. `node:http2` keeps only the first, and a proxy may use another, so
 * a call with several values must be refused. Node documents the behavior, so there is no upstream issue. Remove this file
 * when the metadata of grpc-js has every value and `transports/isolation.test.ts` passes without it.
 */
export interface RepeatedAuthorization {
  /** Records the values of each stream before grpc-js reads it. */
  attach(server: Http2Server): void
  /** The values; undefined for a stream that has one or none. */
  valuesOf(stream: ServerHttp2Stream): readonly string[] | undefined
}

export function createRepeatedAuthorization(): RepeatedAuthorization {
  const repeated = new WeakMap<ServerHttp2Stream, readonly string[]>()
  return {
    valuesOf: (stream) => repeated.get(stream),
    attach: (server) =>
      void server.prependListener(
        'stream',
        (
          stream: ServerHttp2Stream,
          _headers: IncomingHttpHeaders,
          _flags: number,
          raw: readonly string[],
        ) => {
          const values = raw.filter((_, at) => at % 2 === 1 && raw[at - 1] === 'authorization')
          if (values.length > 1) repeated.set(stream, values)
        },
      ),
  }
}
