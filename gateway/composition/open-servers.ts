import { join } from 'node:path'
import type { Logger } from '@pixelflow/platform/telemetry/logger'
import type { StoreTimeout } from '@pixelflow/core/ports/store-timeout'
import type { CallRunner } from '../calls/call-runner.ts'
import type { GatewayConfig } from '../config.ts'
import { createCallMeters } from '../metrics/call-meters.ts'
import { createRequestMeter } from '../metrics/request-meter.ts'
import { createTlsLog } from '../tls/tls-log.ts'
import { watchTls } from '../tls/watch-tls.ts'
import { listenGrpc } from '../transports/grpc/native/listen-grpc.ts'
import { reloadableCredentials } from '../transports/grpc/native/reloadable-credentials.ts'
import { createServices } from '../transports/grpc/create-services.ts'
import { grpcWebRoutes } from '../transports/grpc/web/grpc-web-routes.ts'
import { createHttpApp } from '../transports/rest/http-app.ts'
import { listenHttp } from '../transports/rest/listen-http.ts'
import type { PageFiles } from '../transports/rest/page-routes.ts'
import { createContentSender } from '../transports/rest/send-content.ts'
import type { Usecases } from '../usecases.ts'
import type { AccessControl } from './create-access-control.ts'
import type { ContentDelivery } from './open-content-delivery.ts'
import type { HealthPart } from './open-health.ts'
import type { Metrics } from './open-metrics.ts'

export interface ServersOptions {
  readonly usecases: Usecases
  readonly runner: CallRunner
  readonly access: AccessControl
  readonly health: HealthPart
  readonly delivery: ContentDelivery
  readonly metrics: Metrics
  readonly page: PageFiles
  readonly storeTimeout: StoreTimeout
  readonly config: GatewayConfig
  /** Aborts when this gateway stops. */
  readonly stopping: AbortSignal
  readonly log: Logger
}

export interface Servers extends Disposable {
  readonly url: string
  readonly grpcAddress: string
  /** Refuses new calls and waits until the running ones have ended, or until the drain timeout. */
  drain(): Promise<void>
}

/** Opens the HTTP port and the gRPC port, with TLS where it is configured. @throws Error when a port cannot be opened. */
export async function openServers(options: ServersOptions): Promise<Servers> {
  const { access, health, delivery, metrics, config, log } = options
  const { host, drainTimeoutMs, uploadIdleTimeoutMs } = config
  const { meters, openStream } = metrics
  const limits = { maxUploadBytes: config.maxUploadBytes, maxPixels: config.maxPixels }
  await using scope = new AsyncDisposableStack()

  const services = createServices({
    ...options,
    ...access,
    isReady: health.isReady,
    uploadIdleTimeoutMs,
    meters: createCallMeters(meters, openStream),
  })
  const app = createHttpApp({
    ...options,
    ...access,
    checkHealth: health.checkHealth,
    sendBytes: delivery.sendBytes,
    sendContent: createContentSender(delivery.sendBytes),
    limits,
    uploadIdleTimeoutMs,
    heartbeatMs: config.sseHeartbeatMs,
    requestMeter: createRequestMeter(meters),
    openStream,
    metricsAccess: config.metrics,
    metricsText: meters.text,
  })

  const tls = config.tls && scope.use(watchTls(config.tls, log))
  const tlsLog = tls && createTlsLog(tls, meters, log)
  const socketFolder = join(config.dataDir, 'gateway', 'sockets')
  const http = await listenHttp({
    app: app.use(grpcWebRoutes(services, uploadIdleTimeoutMs)),
    host,
    port: config.httpPort,
    tls: tls && tlsLog && { watched: tls, reportRefused: tlsLog('http'), socketFolder },
    log,
  })
  scope.defer(() => http.drain(drainTimeoutMs))
  const grpc = await listenGrpc({
    services,
    host,
    port: config.grpcPort,
    connectionAgeMs: config.grpcConnectionAgeMs,
    keepaliveMs: config.grpcKeepaliveMs,
    uploadIdleTimeoutMs,
    credentials: tls && reloadableCredentials(tls, config.tls?.clientAuth === 'require'),
    reportRefused: tlsLog?.('grpc'),
  })
  health.countCalls(() => grpc.calls)

  const drainGrpc = async () => {
    if (!(await grpc.drain(drainTimeoutMs))) log.warn('gRPC not drained in time')
  }
  // From here on the ports close in `drain`.
  scope.move()
  return {
    url: `${tls ? 'https' : 'http'}://${reachableHost(host)}:${http.port}`,
    grpcAddress: `${reachableHost(host)}:${grpc.port}`,
    async drain() {
      await Promise.all([http.drain(drainTimeoutMs), drainGrpc()])
    },
    [Symbol.dispose]: () => tls?.[Symbol.dispose](),
  }
}

/** The host that a client on this machine uses. */
function reachableHost(host: string): string {
  if (host === '0.0.0.0' || host === '::') return 'localhost'
  return host.includes(':') && !host.startsWith('[') ? `[${host}]` : host
}
