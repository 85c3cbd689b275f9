import type { Http2Server, ServerHttp2Session } from 'node:http2'
import type { Server, ServerCredentials } from '@grpc/grpc-js'
import { maxHeaderBlockBytes } from './header-block-filter.ts'

/**
 * Flow-control window of a stream and of its connection, in bytes. With the default of 64 KiB an upload sends at most 64 KiB
 * per round trip. Both windows are equal because Bun 1.4.5 stalls uploads when the window of the connection is more than
 * twice that of the stream (https://github.com/oven-sh/bun/pull/40180).
 */
export const flowControlWindowBytes = 4 * 1024 * 1024

/** Header fields that fit into the largest block, so Bun's limit on their number never applies. */
const maxHeaders = maxHeaderBlockBytes / 32

const unlimited = 2 ** 31 - 1

/**
 * Private members of the grpc-js server: version 1.14.7 has no option for the flow-control windows of a server. When a
 * version with https://github.com/grpc/grpc-node/pull/3058 is used, set `grpc-node.flow_control_window` instead; the first
 * test of `configure-http2-server.test.ts` must then pass. Access to the HTTP/2 server itself is still needed for the
 * workarounds of this folder.
 */
interface PrivateServer {
  readonly commonServerOptions: {
    settings?: { initialWindowSize?: number; maxHeaderListSize?: number }
    maxHeaderListPairs?: number
    maxSessionInvalidFrames?: number
    streamResetBurst?: number
    streamResetRate?: number
  }
  createHttp2Server: (credentials: ServerCredentials) => Http2Server
}

/**
 * Sets the HTTP/2 options of a grpc-js server.
 * @param onServer receives each HTTP/2 server that grpc-js creates
 * @throws Error when this version of grpc-js has other private members
 */
export function configureHttp2Server(
  server: Server,
  onServer: (server: Http2Server) => void = () => {},
): void {
  const privateServer = server as unknown as Partial<PrivateServer>
  const { commonServerOptions, createHttp2Server } = privateServer
  if (typeof commonServerOptions !== 'object' || typeof createHttp2Server !== 'function') {
    throw new Error('This version of @grpc/grpc-js has other HTTP/2 settings. Use version 1.14.7.')
  }
  commonServerOptions.settings = {
    ...commonServerOptions.settings,
    initialWindowSize: flowControlWindowBytes,
    // Above the limit of `check-metadata-size.ts`: Bun's limit ends the connection, the other only the call.
    maxHeaderListSize: maxHeaderBlockBytes,
  }
  commonServerOptions.maxHeaderListPairs = maxHeaders
  // Bun counts frames of calls that were just answered as invalid and closes the connection without a reason.
  // `frame-limits.ts` limits both instead.
  commonServerOptions.maxSessionInvalidFrames = unlimited
  commonServerOptions.streamResetBurst = unlimited
  commonServerOptions.streamResetRate = unlimited
  privateServer.createHttp2Server = (credentials) => {
    const http2Server = createHttp2Server
      .call(server, credentials)
      .on('session', (session: ServerHttp2Session) => session.setLocalWindowSize(flowControlWindowBytes))
    onServer(http2Server)
    return http2Server
  }
}
