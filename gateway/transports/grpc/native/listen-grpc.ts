import { Server, ServerCredentials } from '@grpc/grpc-js'
import { createIdleWatch } from '../../../limits/idle-watch.ts'
import type { ReportRefusedHandshake } from '../../../tls/tls-log.ts'
import { largestMessage } from '../rpc.ts'
import type { Services } from '../services.ts'
import { createMaxConnectionAge } from './max-connection-age.ts'
import { bindNativeService } from './bind-native-service.ts'
import { createClientCertificates } from './client-certificates.ts'
import { installWindowUpdateWorkaround } from './window-update-workaround.ts'
import { createFrameLimits } from './frame-limits.ts'
import { createMessagePool } from './message-pool.ts'
import { createNativeInterceptor } from './native-interceptor.ts'
import { configureHttp2Server } from './configure-http2-server.ts'

export interface GrpcNeeds {
  readonly services: Services
  readonly host: string
  /** 0 takes a free one. */
  readonly port: number
  /** TLS, and who has to show a certificate; plain without. */
  readonly credentials?: ServerCredentials | undefined
  /** Told of connections that TLS refuses. */
  readonly refused?: ReportRefusedHandshake | undefined
  /** How old a connection grows before its client is asked to make another, so that long streams spread anew. */
  readonly connectionAgeMs: number
  /** How long a connection may be quiet before its client is asked whether it is still there. */
  readonly keepaliveMs: number
  /** How long a message may pause while it comes. */
  readonly uploadIdleTimeoutMs: number
}

/** The gRPC port, open. */
export interface GrpcServer {
  readonly port: number
  /** How many calls are under way. */
  readonly calls: number
  /** Says that it cannot serve any more, lets nobody in, and lets calls end; false when some did not in time. */
  drain(withinMs: number): Promise<boolean>
}

/** How long a client may take to say that it is still there. */
const keepaliveTimeoutMs = 20_000
/** How long calls may go on that are under way when their connection has grown old: uploads over slow lines. */
const graceMs = 60 * 60_000

/** Opens the gRPC port. @throws Error when the address cannot be listened on. */
export async function listenGrpc(needs: GrpcNeeds): Promise<GrpcServer> {
  const { services, host, port, connectionAgeMs, keepaliveMs, uploadIdleTimeoutMs } = needs
  const { credentials = ServerCredentials.createInsecure(), refused } = needs
  const { callInterceptor, readiness } = services
  const clients = createClientCertificates(refused)
  const ages = createMaxConnectionAge({ ageMs: connectionAgeMs, graceMs })
  const frames = createMessagePool()
  const limits = createFrameLimits((peer) => services.refusals.isSpent({ peer }))
  const reception = createNativeInterceptor({
    callInterceptor,
    frames,
    idle: createIdleWatch(uploadIdleTimeoutMs),
    certificateOf: clients.certificateOf,
    goawaySignalOf: ages.goawaySignalOf,
    onLetIn: limits.letIn,
  })
  const server = new Server({
    interceptors: [reception.interceptor],
    // Bun: more streams at once could nest too deep; clients wait for a free one.
    'grpc.max_concurrent_streams': 256,
    'grpc.max_receive_message_length': largestMessage,
    'grpc.keepalive_time_ms': keepaliveMs,
    'grpc.keepalive_timeout_ms': Math.min(keepaliveMs, keepaliveTimeoutMs),
    'grpc.enable_channelz': 0,
  })
  configureHttp2Server(server, (http2) => {
    installWindowUpdateWorkaround(http2, limits.limit)
    clients.look(http2)
    reception.look(http2)
    ages.look(http2)
  })

  services.bind((service, implementation) =>
    bindNativeService(server, service, implementation, reception, frames),
  )
  services.bindReflection((service, implementation) =>
    bindNativeService(server, service, implementation, reception, frames),
  )

  const bound = await listen(server, credentials, host, port)
  return {
    port: bound,
    get calls() {
      return callInterceptor.underWay
    },
    async drain(withinMs) {
      readiness.close()
      const done = Promise.withResolvers<boolean>()
      server.tryShutdown((error) => done.resolve(!error))
      const timer = setTimeout(() => done.resolve(false), withinMs)
      const isDrained = await done.promise
      clearTimeout(timer)
      server.forceShutdown()
      return isDrained
    },
  }
}

function listen(server: Server, credentials: ServerCredentials, host: string, port: number): Promise<number> {
  const name = host.includes(':') && !host.startsWith('[') ? `[${host}]` : host
  const { promise, resolve, reject } = Promise.withResolvers<number>()
  server.bindAsync(`${name}:${port}`, credentials, (cause, bound) => {
    if (!cause) return resolve(bound)
    const taken = cause.message.includes('EADDRINUSE')
    const why = taken ? 'it is taken by another process' : cause.message
    const remedy = taken
      ? 'Stop that one, or set PIXELFLOW_GRPC_PORT to another port.'
      : 'Check PIXELFLOW_HOST.'
    reject(new Error(`Cannot listen on ${host} port ${port}: ${why}. ${remedy}`, { cause }))
  })
  return promise
}
