import { join } from 'node:path'
import { Fault } from '@pixelflow/core/fault'
import { createBudget } from '@pixelflow/core/budget'
import { workersOf } from '@pixelflow/core/actor'
import { openAdapters, type Adapters } from '@pixelflow/nats/open-adapters'
import type { Logger } from '@pixelflow/platform/telemetry/logger'
import { openMeters } from '@pixelflow/platform/telemetry/meters'
import { watchProcess } from '@pixelflow/platform/telemetry/process-metrics'
import { createAuthenticator } from './accounts/authenticator.ts'
import type { GatewayConfig } from './config.ts'
import { openDiskSpool } from './delivery/disk-spool.ts'
import { createResponseBuffer } from './delivery/response-buffer.ts'
import { viewHealth } from './view-health.ts'
import { startFollower, type Follower } from './follow/follower.ts'
import { createWatchers } from './follow/watchers.ts'
import { createRefusals } from './limits/refusals.ts'
import { createRequestMemory } from './limits/request-memory.ts'
import { createCallMeters } from './metrics/call-meters.ts'
import { createRequestMeter } from './metrics/request-meter.ts'
import { collectBacklog } from './metrics/collect-backlog.ts'
import { collectState } from './metrics/collect-state.ts'
import { createStreamMeter } from './metrics/stream-meter.ts'
import { gatewayMetrics } from './metrics/gateway-metrics.ts'
import { countTraffic, countTasks } from './metrics/count-traffic.ts'
import manifest from './package.json'
import { openReadModel, type ReadModel } from './readmodel/read-model.ts'
import { watchTls } from './tls/watch-tls.ts'
import { createTlsLog } from './tls/tls-log.ts'
import { reloadableCredentials } from './transports/grpc/native/reloadable-credentials.ts'
import { listenGrpc, type GrpcServer } from './transports/grpc/native/listen-grpc.ts'
import { createServices } from './transports/grpc/services.ts'
import { grpcWeb } from './transports/grpc/web/grpc-web-routes.ts'
import { createApp } from './transports/rest/app.ts'
import { createContentSender, createBytesSender } from './transports/rest/send-content.ts'
import { listenHttp } from './transports/rest/listen-http.ts'
import { createSendTracker } from './transports/shared/send-tracker.ts'
import { readPage } from './transports/rest/page-routes.ts'
import { resolveUiFolder } from './resolve-ui-folder.ts'
import { requeueOrphans } from './requeue-orphans.ts'
import { runSweeps } from './run-sweeps.ts'
import { createWritePositions } from './consistency/write-positions.ts'
import { createUsecases } from './usecases.ts'
import { createTaskQuota } from './limits/task-quota.ts'

/** A gateway that is listening. Disposing lets nobody in any more and drains what is under way. */
export interface Gateway extends AsyncDisposable {
  readonly url: string
  /** Where gRPC is spoken, as `host:port`. */
  readonly grpcAddress: string
  /** Resolves once the task list is whole, or after the time given. */
  caughtUp(withinMs: number): Promise<boolean>
}

/** @throws Fault `unavailable` when there is no broker; Error when the address cannot be listened on. */
export async function openGateway(config: GatewayConfig, log: Logger): Promise<Gateway> {
  await using parts = new AsyncDisposableStack()
  const folder = join(config.dataDir, 'gateway')
  const limits = { maxUploadBytes: config.maxUploadBytes, maxPixels: config.maxPixels }

  // What everything stands on. Two of these take a moment and do not need each other.
  const [adapters, page] = await Promise.all([
    openAdapters({
      settings: config,
      name: 'gateway',
      log,
      writeMemoryBytes: config.uploadMemoryBytes,
      sweepGraceMs: config.sweepGraceMs,
    }),
    resolveUiFolder(config.uiDir, log).then(readPage),
  ])
  parts.use(adapters)
  const meters = parts.use(openMeters(gatewayMetrics))
  parts.use(watchProcess(meters, manifest.version))
  const spool = parts.use(await openDiskSpool(join(folder, 'spool'), config.downloadSpoolBytes))
  const sendTracker = parts.use(createSendTracker())

  // Here, too, for there may be no actor while all that is left to do waits for its next attempt.
  parts.use(forwardRetries(adapters))

  // The event log, folded into the task list and fanned out to watchers.
  const watchers = createWatchers()
  const index: ReadModel = parts.use(
    openReadModel({
      path: join(folder, 'tasks.sqlite'),
      clock: adapters.clock,
      retentionMs: config.taskRetentionMs,
      log,
      onRewound: () => follower.onRewound(),
    }),
  )
  const writes = createWritePositions()
  const taskQuota = createTaskQuota(index, config, () => workersOf(roster.actors, 'transform'))
  const onNewLog = () => [writes, taskQuota].forEach((one) => one.forget())
  const follower: Follower = parts.use(
    startFollower({ clock: adapters.clock, eventLog: adapters.eventLog, index, watchers, onNewLog, log }),
  )

  const roster = parts.use(adapters.registry.follow())

  // What can be asked of us, and over what.
  const stopping = new AbortController()
  const { images, keys, sources, results, events, queue, channel, sessions, deadLetters, storeTimeout } =
    adapters
  const bare = createUsecases({
    images,
    keys,
    sources,
    results,
    events,
    queue,
    deadLetters,
    channel,
    sessions,
    storeTimeout,
    roster,
    index,
    follower,
    writes,
    taskQuota,
    accepted: countTasks(meters),
    limits,
    tuning: {
      sessionsPerAccount: config.tuneSessions,
      idleTimeoutMs: config.tuneIdleTimeoutMs,
      stopping: stopping.signal,
    },
    inline: {
      maxBytes: config.inlineMaxBytes,
      timeoutMs: config.processTimeoutMs,
      memory: createBudget(config.inlineMemoryBytes),
    },
  })
  const send = createBytesSender(createResponseBuffer(spool), sendTracker)
  const usecases = countTraffic(bare, meters)
  let isDraining = false
  const pages = new Set(config.corsOrigins.map((origin) => origin.toLowerCase()))
  const authenticator = createAuthenticator(config.apiTokens, config.tls?.clientAuth, pages)
  let grpc: GrpcServer | undefined
  // The name of this process on this machine would do, but two machines may share a broker.
  const writeCheck = parts.use(adapters.checkWrites(crypto.randomUUID()))
  await Promise.race([writeCheck.begun, Bun.sleep(1000)])
  const examined = () =>
    viewHealth({ adapters, follower, writeCheck, sendTracker, spool, calls: grpc?.calls ?? 0, isDraining })
  collectState(meters, examined, deadLetters.count)
  collectBacklog(meters, adapters.backlog, roster, adapters.clock)
  const openStream = createStreamMeter(meters)
  const memory = createRequestMemory({
    totalBytes: config.requestMemoryBytes,
    // Without credentials there is one account, and it is everybody.
    perAccountBytes:
      authenticator.auth === 'none' ? config.requestMemoryBytes : config.requestMemoryPerAccountBytes,
    perPeerBytes: config.requestMemoryPerPeerBytes,
  })
  const refusals = createRefusals({
    memory,
    onRefused: (share, count) => log.warn('calls refused on their headers', { share, count }),
  })
  const services = createServices({
    usecases,
    authenticator,
    memory,
    refusals,
    isReady: async () => (await examined()).status === 'ok',
    limits,
    uploadIdleTimeoutMs: config.uploadIdleTimeoutMs,
    version: manifest.version,
    meters: createCallMeters(meters, openStream),
    storeTimeout,
    log,
  })
  const app = createApp({
    usecases,
    authenticator,
    memory,
    refusals,
    sendContent: createContentSender(send),
    sendBytes: send,
    checkHealth: examined,
    page,
    limits,
    uploadIdleTimeoutMs: config.uploadIdleTimeoutMs,
    heartbeatMs: config.sseHeartbeatMs,
    version: manifest.version,
    corsOrigins: pages,
    requestMeter: createRequestMeter(meters),
    storeTimeout,
    openStream,
    stopping: stopping.signal,
    metricsAccess: config.metrics,
    metricsText: meters.text,
    log,
  })
  const tls = config.tls && parts.use(watchTls(config.tls, log))
  const { host, drainTimeoutMs } = config
  const tlsRefusals = tls && createTlsLog(tls, meters, log)
  const http = await listenHttp({
    app: app.use(grpcWeb(services, config.uploadIdleTimeoutMs)),
    host,
    port: config.httpPort,
    tls: tls &&
      tlsRefusals && { watched: tls, refused: tlsRefusals('http'), socketFolder: join(folder, 'sockets') },
    log,
  })
  const sweeping = runSweeps(
    { elections: adapters.elections, sweeper: adapters.sweeper, everyMs: config.sweepIntervalMs, log },
    stopping.signal,
  )
  const { clock, elections, strayJobs } = adapters
  const searching = requeueOrphans(
    { clock, elections, strayJobs, events, index, roster, log },
    stopping.signal,
  )
  parts.defer(async () => {
    isDraining = true
    // Event streams and tuning sessions end, and their clients go on with another gateway.
    watchers.close()
    stopping.abort(goElsewhere())
    await Promise.all([
      http.drain(drainTimeoutMs),
      grpc && leave(grpc, drainTimeoutMs, log),
      sweeping,
      searching,
    ])
  })
  const credentials = tls && reloadableCredentials(tls, config.tls?.clientAuth === 'require')
  grpc = await listenGrpc({
    services,
    host,
    port: config.grpcPort,
    connectionAgeMs: config.grpcConnectionAgeMs,
    keepaliveMs: config.grpcKeepaliveMs,
    uploadIdleTimeoutMs: config.uploadIdleTimeoutMs,
    credentials,
    refused: tlsRefusals?.('grpc'),
  })

  const owned = parts.move()
  return {
    url: `${tls ? 'https' : 'http'}://${reachable(host)}:${http.port}`,
    grpcAddress: `${reachable(host)}:${grpc.port}`,
    caughtUp: (withinMs) => follower.caughtUp(withinMs),
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  }
}

function forwardRetries({ retries }: Adapters): AsyncDisposable {
  const stop = new AbortController()
  const forwarding = retries.forward(stop.signal)
  return {
    [Symbol.asyncDispose]() {
      stop.abort()
      return forwarding
    },
  }
}

function goElsewhere(): Fault {
  return new Fault('unavailable', 'This gateway is stopping.', {
    remedy: 'Open the image again with the recipe as it is: another gateway goes on.',
    retryAfterMs: 100,
  })
}

async function leave(server: GrpcServer, withinMs: number, log: Logger): Promise<void> {
  if (!(await server.drain(withinMs))) log.warn('gRPC not drained in time')
}

/** A host that a client on this machine can write into an address. */
function reachable(host: string): string {
  if (host === '0.0.0.0' || host === '::') return 'localhost'
  return host.includes(':') && !host.startsWith('[') ? `[${host}]` : host
}
