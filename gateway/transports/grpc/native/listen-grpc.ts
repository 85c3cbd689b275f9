import { createServer } from 'node:net'
import { promisify } from 'node:util'
import { Server, ServerCredentials } from '@grpc/grpc-js'
import { createIdleWatch } from '../../../limits/idle-watch.ts'
import type { ReportRefusedHandshake } from '../../../tls/tls-log.ts'
import { maxMessageBytes } from '../../../calls/max-request-bytes.ts'
import type { Services } from '../create-services.ts'
import { listenError } from '../../shared/listen-error.ts'
import { createMaxConnectionAge } from './max-connection-age.ts'
import { bindNativeService } from './bind-native-service.ts'
import { createClientCertificates } from './client-certificates.ts'
import { installWindowUpdateWorkaround } from './window-update-workaround.ts'
import { createFrameLimits } from './frame-limits.ts'
import { createMessagePool } from './message-pool.ts'
import { createNativeInterceptor } from './native-interceptor.ts'
import { configureHttp2Server } from './configure-http2-server.ts'

export interface GrpcServerOptions {
  readonly services: Services
  readonly host: string
  /** 0 takes a free port. */
  readonly port: number
  /** TLS credentials; plaintext without. */
  readonly credentials?: ServerCredentials | undefined
  /** Called for each connection that TLS refuses. */
  readonly reportRefused?: ReportRefusedHandshake | undefined
  /** Age at which a connection gets GOAWAY, so that long streams spread over all gateways again. */
  readonly connectionAgeMs: number
  /** How long a connection may be idle before the server sends a PING. */
  readonly keepaliveMs: number
  /** How long a message may pause while it arrives. */
  readonly uploadIdleTimeoutMs: number
}

/** The gRPC port, open. */
export interface GrpcServer {
  readonly port: number
  /** Active calls of all protocols. */
  readonly calls: number
  /** Reports NOT_SERVING, refuses new connections, and waits for active calls; false when some did not end in time. */
  drain(withinMs: number): Promise<boolean>
}

/** How long a client may take to acknowledge a keepalive PING. */
const keepaliveTimeoutMs = 20_000
/** How long active calls may continue after GOAWAY: enough for large uploads over slow lines. */
const graceMs = 60 * 60_000

/** Opens the gRPC port. @throws Error when the address cannot be listened on. */
export async function listenGrpc(options: GrpcServerOptions): Promise<GrpcServer> {
  const { services, host, port, connectionAgeMs, keepaliveMs, uploadIdleTimeoutMs } = options
  const { credentials = ServerCredentials.createInsecure(), reportRefused } = options
  const { callInterceptor, readiness } = services
  const certificates = createClientCertificates(reportRefused)
  const maxConnectionAge = createMaxConnectionAge({ ageMs: connectionAgeMs, graceMs })
  const pool = createMessagePool()
  const limits = createFrameLimits((peer) => services.refusalBudget.isSpent({ peer }))
  const interceptor = createNativeInterceptor({
    callInterceptor,
    pool,
    idle: createIdleWatch(uploadIdleTimeoutMs),
    certificateOf: certificates.certificateOf,
    goawaySignalOf: maxConnectionAge.goawaySignalOf,
    onAuthenticated: limits.markAuthenticated,
  })
  const server = new Server({
    interceptors: [interceptor.interceptor],
    // Workaround for Bun 1.4.5: without a limit it closes the connection of a client that opens thousands of streams at
    // once. Clients queue calls above the limit. No upstream issue is known; `bursts.test.ts` fails without it.
    'grpc.max_concurrent_streams': 256,
    'grpc.max_receive_message_length': maxMessageBytes,
    'grpc.keepalive_time_ms': keepaliveMs,
    'grpc.keepalive_timeout_ms': Math.min(keepaliveMs, keepaliveTimeoutMs),
    'grpc.enable_channelz': 0,
  })
  configureHttp2Server(server, (http2) => {
    installWindowUpdateWorkaround(http2, limits.limit)
    certificates.attach(http2)
    interceptor.attach(http2)
    maxConnectionAge.attach(http2)
  })

  services.bind((service, implementation) =>
    bindNativeService(server, service, implementation, interceptor, pool),
  )
  services.bindReflection((service, implementation) =>
    bindNativeService(server, service, implementation, interceptor, pool),
  )

  const bound = await listen(server, credentials, host, port)
  return {
    port: bound,
    get calls() {
      return callInterceptor.activeCalls
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

async function listen(
  server: Server,
  credentials: ServerCredentials,
  host: string,
  port: number,
): Promise<number> {
  const name = host.includes(':') && !host.startsWith('[') ? `[${host}]` : host
  try {
    return await promisify(server.bindAsync.bind(server))(`${name}:${port}`, credentials)
  } catch (error) {
    const cause = (await systemErrorOf(host, port)) ?? error
    throw listenError({ host, port, setting: 'PIXELFLOW_GRPC_PORT' }, cause)
  }
}

/**
 * The system error of an address that cannot be listened on, found by a second attempt: the error of grpc-js is a sentence
 * without a code. Undefined when the second attempt succeeds.
 */
async function systemErrorOf(host: string, port: number): Promise<Error | undefined> {
  const { promise, resolve } = Promise.withResolvers<Error | undefined>()
  const server = createServer()
    .once('error', resolve)
    .listen({ host: host.replace(/^\[(.*)\]$/, '$1'), port }, () => server.close(() => resolve(undefined)))
  return promise
}
