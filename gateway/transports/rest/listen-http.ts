import { pause } from '@pixelflow/core/pause'
import type { Logger } from '@pixelflow/platform/telemetry/logger'
import type { Server } from 'bun'
import type { AnyElysia } from 'elysia'
import type { WatchedTls } from '../../tls/watch-tls.ts'
import { openConnectionServers, type RequestServer } from '../../tls/connection-servers.ts'
import { openTlsProxy, type TlsClient } from '../../tls/tls-proxy.ts'
import type { ReportRefusedHandshake } from '../../tls/tls-log.ts'
import { listenError } from '../shared/listen-error.ts'
import { requestContextOf } from '../shared/request-context.ts'

export interface HttpServerOptions {
  readonly app: AnyElysia
  readonly host: string
  /** 0 selects a free port. */
  readonly port: number
  /** Undefined for plain HTTP. */
  readonly tls?: HttpTls | undefined
  readonly log: Logger
}

export interface HttpTls {
  readonly watched: WatchedTls
  /** Called for each connection that fails its TLS handshake. */
  readonly reportRefused: ReportRefusedHandshake
  /** Folder for the unix sockets between the TLS proxy and the HTTP servers. */
  readonly socketFolder: string
}

/** The open HTTP port. */
export interface HttpServer {
  readonly port: number
  /** Stops accepting connections and waits for requests to end; those that take longer are disconnected. */
  drain(withinMs: number): Promise<void>
}

/** Opens the HTTP port. @throws Error when the address is in use or invalid. */
export async function listenHttp({ app, host, port, tls, log }: HttpServerOptions): Promise<HttpServer> {
  const hostname = host.replace(/^\[(.*)\]$/, '$1')
  if (!tls) {
    const server = serve(app, hostname, port)
    return { port: server.port ?? port, drain: (withinMs) => drain(server, withinMs, log) }
  }
  const { open, server } = await openConnectionServers({
    app,
    folder: tls.socketFolder,
    onRequest: recordClient,
  })
  app.server = server as Server<unknown>
  const { reportRefused, watched } = tls
  const proxyOptions = { host: hostname, port, open, material: watched.current, reportRefused, log }
  const proxy = await openTlsProxy(proxyOptions).catch((cause: unknown) => {
    throw listenError({ host: hostname, port, setting: 'PIXELFLOW_HTTP_PORT' }, cause)
  })
  const { port: bound, setMaterial, close, end } = proxy
  // The files may have changed since `proxyOptions` was built.
  watched.onChange(setMaterial)
  setMaterial(watched.current)
  return {
    port: bound,
    async drain(withinMs) {
      close()
      await drain(server, withinMs, log)
      await end()
    },
  }
}

/** Stores the client of the TLS connection in the request context. */
function recordClient(request: Request, { certificate, address }: TlsClient): void {
  const context = requestContextOf(request)
  context.peer = `${address.address}:${address.port}`
  context.certificate = certificate
}

function serve(app: AnyElysia, hostname: string, port: number): Server<unknown> {
  try {
    app.listen({ hostname, port })
  } catch (cause) {
    throw listenError({ host: hostname, port, setting: 'PIXELFLOW_HTTP_PORT' }, cause)
  }
  if (app.server === null) throw new Error('The server did not start.')
  return app.server
}

const pollIntervalMs = 50

async function drain(server: RequestServer, withinMs: number, log: Logger): Promise<void> {
  const over = new AbortController()
  const late = pause(withinMs, over.signal).then(() => 'late' as const)
  const result = await Promise.race([server.stop(), untilIdle(server, over.signal), late])
  over.abort()
  if (result === 'late')
    log.warn('drain timed out; closing HTTP connections', { pending: server.pendingRequests })
  await server.stop(true)
}

/**
 * Resolves when two polls in a row find no pending request. The promise of Bun's `stop()` also waits for the rest of every
 * upload that was refused early, and such a client may send nothing more. No upstream issue is known. Remove this when
 * `listen-http.test.ts` passes without it.
 */
async function untilIdle(server: RequestServer, signal: AbortSignal): Promise<void> {
  for (let times = 0; times < 2 && !signal.aborted; await pause(pollIntervalMs, signal)) {
    times = server.pendingRequests + server.pendingWebSockets === 0 ? times + 1 : 0
  }
}
