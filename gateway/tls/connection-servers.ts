import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { makePrivateFolder } from '@pixelflow/platform/config/private-folder'
import type { Server } from 'bun'
import type { AnyElysia } from 'elysia'
import { websocket } from 'elysia/ws'
import { processFileName, removeStaleFiles } from '../delivery/remove-stale-files.ts'
import type { TlsClient } from './tls-proxy.ts'

/** The HTTP server of one TLS connection. */
export interface ConnectionServer {
  /** The unix socket it listens on. Connect once, then call `connected`. */
  readonly path: string
  /** Unlinks the socket, so that no second connection is possible. */
  connected(): void
  /** Closes the server and its connection. */
  close(): void
}

/** The part of Bun's server that transports and drain use. Each call goes to the server that received the request. */
export type RequestServer = Pick<
  Server<unknown>,
  'timeout' | 'upgrade' | 'requestIP' | 'stop' | 'pendingRequests' | 'pendingWebSockets'
>

export interface ConnectionServers {
  /**
   * Opens the server for the connection of one client. Undefined after `server.stop`.
   * @throws Error of the system when no file descriptor is free.
   */
  open(client: TlsClient): ConnectionServer | undefined
  /** All servers behind one interface, for `app.server`. */
  readonly server: RequestServer
}

interface OpenServer {
  readonly server: Server<unknown>
  readonly client: TlsClient
  /** The newest request of the connection. HTTP/1.1 responds in order, so all earlier ones have ended. */
  newest: Request | undefined
}

export interface ConnectionServersOptions {
  /** The complete app: routes that are added later are not served. */
  readonly app: AnyElysia
  /** Folder of the sockets. Only the user of this process can enter it. */
  readonly folder: string
  /** Called with each request before its handler. */
  readonly onRequest: (request: Request, client: TlsClient) => void
}

/**
 * Opens one HTTP server for each TLS connection, on a unix socket in a folder that other users cannot enter. The server
 * that received a request identifies its client. No address or port is compared, so a process that binds or reuses one
 * cannot impersonate a client. A server costs 15 KiB of memory, and less time than the TLS handshake. `tls-proxy.ts` says
 * when this can be removed.
 * @throws UnsafePath when the folder belongs to another user.
 */
export async function openConnectionServers({
  app,
  folder,
  onRequest,
}: ConnectionServersOptions): Promise<ConnectionServers> {
  makePrivateFolder(folder)
  // A killed process leaves at most the sockets that were not connected yet.
  await removeStaleFiles(folder)
  await app.modules
  app.compile()
  const handle = app.fetch
  // The options that Elysia's `listen` uses. Bun's types lack the idle timeout of unix sockets, which exists.
  const options = {
    development: false,
    ...app.config.serve,
    websocket: { ...app.config.websocket, ...websocket },
  } as Partial<Bun.Serve.Options<unknown>>
  const open = new Set<OpenServer>()
  const byRequest = new WeakMap<Request, OpenServer>()
  let isStopping = false

  return {
    open(client) {
      if (isStopping) return undefined
      const path = join(folder, processFileName())
      const server = Bun.serve({
        ...options,
        unix: path,
        fetch(request: Request) {
          served.newest = request
          byRequest.set(request, served)
          onRequest(request, client)
          return handle(request)
        },
      } as Bun.Serve.Options<unknown>)
      const served: OpenServer = { server, client, newest: undefined }
      open.add(served)
      return {
        path,
        connected: () => rmSync(path, { force: true }),
        close() {
          open.delete(served)
          void server.stop(true)
          // Without a connection, the socket is still linked.
          rmSync(path, { force: true })
        },
      }
    },
    server: {
      timeout: (request, seconds) => byRequest.get(request)?.server.timeout(request, seconds),
      upgrade: (request, data) => byRequest.get(request)?.server.upgrade(request, data) ?? false,
      requestIP(request) {
        const served = byRequest.get(request)
        // As in Bun over TCP, the address is known until the response has been sent.
        const isActive = served?.newest === request && served.server.pendingRequests > 0
        return isActive ? served.client.address : null
      },
      async stop(closeActiveConnections) {
        isStopping = true
        await Promise.all([...open].map(({ server }) => server.stop(closeActiveConnections)))
      },
      get pendingRequests() {
        return [...open].reduce((sum, { server }) => sum + server.pendingRequests, 0)
      },
      get pendingWebSockets() {
        return [...open].reduce((sum, { server }) => sum + server.pendingWebSockets, 0)
      },
    },
  }
}
