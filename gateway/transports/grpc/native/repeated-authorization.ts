import type { Http2Server, IncomingHttpHeaders, ServerHttp2Stream } from 'node:http2'

/**
 * All `authorization` values of calls that bring several: `node:http2` keeps the first, and other servers another. Node
 * documents this, so no upstream issue is known. Remove this file when the metadata of grpc-js has every value.
 */
export interface RepeatedAuthorization {
  /** Looks at each stream of a server, before grpc-js does. */
  look(server: Http2Server): void
  /** Undefined where there is one or none. */
  valuesOf(stream: ServerHttp2Stream): readonly string[] | undefined
}

export function createRepeatedAuthorization(): RepeatedAuthorization {
  const repeated = new WeakMap<ServerHttp2Stream, readonly string[]>()
  return {
    valuesOf: (stream) => repeated.get(stream),
    look: (server) =>
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
