import { pause } from '@pixelflow/core/pause'
import type { Log } from '@pixelflow/fabric/telemetry/log'
import type { Server } from 'bun'
import type { AnyElysia } from 'elysia'
import type { WatchedTls } from '../../tls/files.ts'
import { openFront, type Front } from '../../tls/front.ts'
import type { Refused } from '../../tls/telling.ts'
import { connections } from './connections.ts'

export interface HttpNeeds {
  readonly app: AnyElysia
  readonly host: string
  /** 0 takes a free one. */
  readonly port: number
  /** What to serve TLS with, and who is told of connections that it refuses; plain without. */
  readonly tls?: { readonly watched: WatchedTls; readonly refused: Refused } | undefined
  readonly log: Log
}

/** The HTTP port, open. */
export interface HttpServer {
  readonly port: number
  /** Lets nobody in and lets requests end; those that do not in time are cut off. */
  drain(withinMs: number): Promise<void>
}

/** Opens the HTTP port. @throws Error when the address cannot be listened on. */
export async function listenHttp({ app, host, port, tls, log }: HttpNeeds): Promise<HttpServer> {
  const hostname = host.replace(/^\[(.*)\]$/, '$1')
  if (!tls) {
    const server = serve(app, hostname, port)
    return { port: server.port ?? port, drain: (withinMs) => drain(server, withinMs, log) }
  }
  let front: Front | undefined
  app.use(connections((from) => front?.clientAt(from)))
  const inner = serve(app, '127.0.0.1', 0)
  try {
    const { refused } = tls
    const innerPort = inner.port ?? 0
    front = await openFront({ host: hostname, port, innerPort, material: tls.watched.current, refused })
  } catch (cause) {
    await inner.stop(true)
    throw cannotListen(hostname, port, cause)
  }
  const { port: bound, take, close, end } = front
  tls.watched.onChange(take)
  // They may have changed since.
  take(tls.watched.current)
  return {
    port: bound,
    async drain(withinMs) {
      close()
      await drain(inner, withinMs, log)
      await end()
    },
  }
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

async function drain(server: Server<unknown>, withinMs: number, log: Log): Promise<void> {
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
async function idle(server: Server<unknown>, signal: AbortSignal): Promise<void> {
  for (let times = 0; times < 2 && !signal.aborted; await pause(lookEveryMs, signal)) {
    times = server.pendingRequests + server.pendingWebSockets === 0 ? times + 1 : 0
  }
}
