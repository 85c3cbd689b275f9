import type { Http2Server, ServerHttp2Session } from 'node:http2'
import type { Server, ServerCredentials } from '@grpc/grpc-js'
import { largestBlock } from './header-block-filter.ts'

/**
 * Bytes that a client may send ahead, on a stream and on its whole connection. The 64 KiB of HTTP/2 would let through
 * so much a round trip and no more. The two are equal because Bun stalls uploads for ever when the connection's window
 * is more than twice the stream's (https://github.com/oven-sh/bun/pull/40180).
 */
export const flowControlWindowBytes = 4 * 1024 * 1024

/** So many names of a header fit into the largest block, so Bun counts none of them. */
const mostHeaders = largestBlock / 32

const unlimited = 2 ** 31 - 1

/**
 * What we use of the server's inside: grpc-js 1.14.7 has no option for the windows of a server. Remove this when a version
 * with https://github.com/grpc/grpc-node/pull/3058 is used, and set `grpc-node.flow_control_window` instead.
 */
interface Inside {
  readonly commonServerOptions: {
    settings?: { initialWindowSize?: number; maxHeaderListSize?: number }
    maxHeaderListPairs?: number
    maxSessionInvalidFrames?: number
    streamResetBurst?: number
    streamResetRate?: number
  }
  createHttp2Server: (credentials: ServerCredentials) => Http2Server
}

/** Sets the windows of every connection, and shows its HTTP/2 server around. @throws Error when this version of grpc-js is made otherwise. */
export function configureHttp2Server(server: Server, show: (server: Http2Server) => void = () => {}): void {
  const inside = server as unknown as Partial<Inside>
  const { commonServerOptions, createHttp2Server } = inside
  if (typeof commonServerOptions !== 'object' || typeof createHttp2Server !== 'function') {
    throw new Error('This version of @grpc/grpc-js has its HTTP/2 settings elsewhere.')
  }
  commonServerOptions.settings = {
    ...commonServerOptions.settings,
    initialWindowSize: flowControlWindowBytes,
    // More than we take: what Bun finds too large ends the connection, what we find too large only the call.
    maxHeaderListSize: largestBlock,
  }
  commonServerOptions.maxHeaderListPairs = mostHeaders
  // MessagePool for calls that were just answered count as invalid, and Bun ends a connection without saying why.
  // `frame-budget.ts` bounds both instead.
  commonServerOptions.maxSessionInvalidFrames = unlimited
  commonServerOptions.streamResetBurst = unlimited
  commonServerOptions.streamResetRate = unlimited
  inside.createHttp2Server = (credentials) => {
    const made = createHttp2Server
      .call(server, credentials)
      .on('session', (session: ServerHttp2Session) => session.setLocalWindowSize(flowControlWindowBytes))
    show(made)
    return made
  }
}
