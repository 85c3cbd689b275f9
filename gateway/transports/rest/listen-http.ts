import { pause } from '@pixelflow/core/pause'
import type { Logger } from '@pixelflow/platform/telemetry/logger'
import type { Server } from 'bun'
import type { AnyElysia } from 'elysia'
import type { WatchedTls } from '../../tls/watch-tls.ts'
import { openConnectionServers, type RequestServer } from '../../tls/connection-servers.ts'
import { openTlsProxy, type TlsClient } from '../../tls/tls-proxy.ts'
import type { ReportRefusedHandshake } from '../../tls/tls-log.ts'
import { requestContextOf } from '../shared/request-context.ts'

export interface HttpServerOptions {
  readonly app: AnyElysia
  readonly host: string
  /** 0 takes a free one. */
  readonly port: number
  /** TLS for this port; plain without. */
  readonly tls?: HttpTls | undefined
  readonly log: Logger
}

export interface HttpTls {
  readonly watched: WatchedTls
  /** Told of connections that TLS refuses. */
  readonly refused: ReportRefusedHandshake
  /** Folder for the private sockets behind TLS. */
  readonly socketFolder: string
}

/** The HTTP port, open. */
export interface HttpServer {
  readonly port: number
  /** Lets nobody in and lets requests end; those that do not in time are cut off. */
  drain(withinMs: number): Promise<void>
}

/** Opens the HTTP port. @throws Error when the address cannot be listened on. */
export async function listenHttp({ app, host, port, tls, log }: HttpServerOptions): Promise<HttpServer> {
  const hostname = host.replace(/^\[(.*)\]$/, '$1')
  if (!tls) {
    const server = serve(app, hostname, port)
    return { port: server.port ?? port, drain: (withinMs) => drain(server, withinMs, log) }
  }
  const { open, server } = await openConnectionServers({
    app,
    folder: tls.socketFolder,
    onRequest: noteClient,
  })
  app.server = server as Server<unknown>
  const { refused, watched } = tls
  const needs = { host: hostname, port, open, material: watched.current, refused, log }
  const front = await openTlsProxy(needs).catch((cause: unknown) => {
    throw cannotListen(hostname, port, cause)
  })
  const { port: bound, take, close, end } = front
  // They may have changed since.
  watched.onChange(take)
  take(watched.current)
  return {
    port: bound,
    async drain(withinMs) {
      close()
      await drain(server, withinMs, log)
      await end()
    },
  }
}

/** Who sends a request, for those who answer it. */
function noteClient(request: Request, { certificate, address }: TlsClient): void {
  const notes = requestContextOf(request)
  notes.peer = `${address.address}:${address.port}`
  notes.certificate = certificate
}

function serve(app: AnyElysia, hostname: string, port: number): Server<unknown> {
  try {
    app.listen({ hostname, port })
  } catch (cause) {
    throw cannotListen(hostname, port, cause)
  }
  if (app.server === null) throw new Error('The server did not start.')
  return app.server
}

function cannotListen(host: string, port: number, cause: unknown): Error {
  const taken = (cause as { code?: string }).code === 'EADDRINUSE'
  const why = taken ? 'it is taken by another process' : (cause as Error).message
  const remedy = taken
    ? 'Stop that one, or set PIXELFLOW_HTTP_PORT to another port.'
    : 'Check PIXELFLOW_HOST.'
  return new Error(`Cannot listen on ${host} port ${port}: ${why}. ${remedy}`, { cause })
}

const lookEveryMs = 50

async function drain(server: RequestServer, withinMs: number, log: Logger): Promise<void> {
  const over = new AbortController()
  const late = pause(withinMs, over.signal).then(() => 'late' as const)
  const result = await Promise.race([server.stop(), idle(server, over.signal), late])
  over.abort()
  if (result === 'late') log.warn('not drained in time', { pending: server.pendingRequests })
  await server.stop(true)
}

/**
 * Resolves when nothing is under way, twice in a row. The server's own promise also waits for the rest of every upload
 * that was refused before it had come whole, and such a client may have nothing more to say.
 */
async function idle(server: RequestServer, signal: AbortSignal): Promise<void> {
  for (let times = 0; times < 2 && !signal.aborted; await pause(lookEveryMs, signal)) {
    times = server.pendingRequests + server.pendingWebSockets === 0 ? times + 1 : 0
  }
}
