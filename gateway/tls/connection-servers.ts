import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { makePrivateFolder } from '@pixelflow/platform/config/private-folder'
import type { Server } from 'bun'
import type { AnyElysia } from 'elysia'
import { websocket } from 'elysia/ws'
import { processFileName, removeStaleFiles } from '../process-files.ts'
import type { TlsClient } from './tls-proxy.ts'

/** The HTTP server of one TLS connection. */
export interface ConnectionServer {
  /** The unix socket where it listens. Connect once, then call `connected`. */
  readonly path: string
  /** Removes the socket's name, so that there is no second connection to this server. */
  connected(): void
  /** Ends the server and what is left of its connection. */
  close(): void
}

/** What the transports and the drain use of Bun's server; each call goes to the server that has the request. */
export type RequestServer = Pick<
  Server<unknown>,
  'timeout' | 'upgrade' | 'requestIP' | 'stop' | 'pendingRequests' | 'pendingWebSockets'
>

export interface ConnectionServers {
  /**
   * Serves the connection of one client. Undefined once no connection is accepted any more.
   * @throws Error of the system when there is no file descriptor for the socket.
   */
  open(client: TlsClient): ConnectionServer | undefined
  /** All of them as one, for `app.server`. */
  readonly server: RequestServer
}

interface Served {
  readonly server: Server<unknown>
  readonly client: TlsClient
  /** The newest request of the connection. HTTP/1.1 answers one after the other, so those before it are over. */
  newest: Request | undefined
}

export interface ConnectionServersOptions {
  /** Complete: what is added later is not served. */
  readonly app: AnyElysia
  /** For the sockets. Only the user of this process can enter it. */
  readonly folder: string
  /** Called with each request before it is answered. */
  readonly onRequest: (request: Request, client: TlsClient) => void
}

/**
 * Gives each TLS connection an HTTP server of its own, on a unix socket in a folder that other users cannot enter. Which
 * client a request comes from is then a property of the server that received it: no address or port is compared, and
 * nothing that another process binds or reuses can be taken for it. A server costs 15 KiB and less than the handshake
 * before it.
 *
 * Remove this file, `front.ts` and `client.ts` when `Bun.serve` tells the handler what the client has shown
 * (https://github.com/oven-sh/bun/issues/14097) and takes new certificates while it serves
 * (https://github.com/oven-sh/bun/issues/43815).
 * @throws UnsafePath when the folder belongs to another user.
 */
export async function openConnectionServers({
  app,
  folder,
  onRequest,
}: ConnectionServersOptions): Promise<ConnectionServers> {
  makePrivateFolder(folder)
  // A process that was killed leaves at most the sockets that were not connected yet.
  await removeStaleFiles(folder)
  await app.modules
  app.compile()
  const answer = app.fetch
  // Elysia gives its own server the same. Bun's types know no idle timeout of a unix socket, though it has one.
  const options = {
    development: false,
    ...app.config.serve,
    websocket: { ...app.config.websocket, ...websocket },
  } as Partial<Bun.Serve.Options<unknown>>
  const open = new Set<Served>()
  const byRequest = new WeakMap<Request, Served>()
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
          return answer(request)
        },
      } as Bun.Serve.Options<unknown>)
      const served: Served = { server, client, newest: undefined }
      open.add(served)
      return {
        path,
        connected: () => rmSync(path, { force: true }),
        close() {
          open.delete(served)
          void server.stop(true)
          // Where no connection was made, the name is still there.
          rmSync(path, { force: true })
        },
      }
    },
    server: {
      timeout: (request, seconds) => byRequest.get(request)?.server.timeout(request, seconds),
      upgrade: (request, data) => byRequest.get(request)?.server.upgrade(request, data) ?? false,
      requestIP(request) {
        const served = byRequest.get(request)
        // As Bun does it over TCP, the address is known for as long as the answer is under way.
        const isUnderWay = served?.newest === request && served.server.pendingRequests > 0
        return isUnderWay ? served.client.address : null
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
