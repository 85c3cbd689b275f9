import { openAdapters, type Adapters } from '@pixelflow/nats/open-adapters'
import type { Logger } from '@pixelflow/platform/telemetry/logger'
import { openSharedCache } from '@pixelflow/platform/shared-cache/shared-cache'
import { openSharedFiles } from '@pixelflow/platform/shared-files/shared-files'
import type { GatewayConfig } from './config.ts'
import { countTraffic } from './metrics/count-traffic.ts'
import { gatewayStopping } from './gateway-stopping.ts'
import manifest from './package.json'
import { createCallRunner } from './calls/call-runner.ts'
import { createAccessControl } from './composition/create-access-control.ts'
import { createPorts } from './composition/create-ports.ts'
import { openContentDelivery } from './composition/open-content-delivery.ts'
import { openHealth } from './composition/open-health.ts'
import { openMetrics } from './composition/open-metrics.ts'
import { openServers } from './composition/open-servers.ts'
import { openClusterState } from './composition/open-cluster-state.ts'
import { runBackgroundJobs } from './composition/run-background-jobs.ts'
import { resolveUiFolder } from './resolve-ui-folder.ts'
import { readPage } from './transports/rest/page-routes.ts'
import { createUsecases } from './usecases.ts'

/** A gateway that serves calls. Disposing refuses new calls and drains the running ones. */
export interface Gateway extends AsyncDisposable {
  readonly url: string
  /** `host:port` of the gRPC interface. */
  readonly grpcAddress: string
  /** Resolves with true once the task list is complete, with false after `withinMs`. */
  waitForTaskList(withinMs: number): Promise<boolean>
}

/**
 * The composition root: every part of a gateway, in the order in which they open; they close in reverse.
 * @throws Fault `unavailable` when the broker cannot be reached; Error when a port cannot be opened.
 */
export async function openGateway(config: GatewayConfig, log: Logger): Promise<Gateway> {
  await using scope = new AsyncDisposableStack()
  const { version } = manifest
  const stopping = new AbortController()

  const [adapters, page] = await Promise.all([
    connectAdapters(config, log),
    resolveUiFolder(config.uiDir, log).then(readPage),
  ])
  scope.use(adapters)
  const metrics = scope.use(openMetrics(version))
  const delivery = scope.use(await openContentDelivery(config))
  scope.use(forwardRetries(adapters))
  const clusterState = scope.use(openClusterState(adapters, config, log))
  const access = createAccessControl(config, log)
  const ports = createPorts({
    adapters,
    sharedCache: scope.use(await openSharedCache(config)),
    sharedFiles: scope.use(await openSharedFiles(config)),
    clusterState,
    metrics,
    config,
    server: { version, auth: access.authenticator.auth },
    stopping: stopping.signal,
  })
  const runner = createCallRunner(ports, (entry) => log.info('audit', { ...entry }))
  const usecases = countTraffic(createUsecases(ports), metrics.meters)
  const health = scope.use(await openHealth({ adapters, clusterState, delivery, metrics }))
  const servers = scope.use(
    await openServers({
      usecases,
      runner,
      access,
      health,
      delivery,
      metrics,
      page,
      storeTimeout: adapters.storeTimeout,
      config,
      stopping: stopping.signal,
      log,
    }),
  )
  const backgroundJobs = runBackgroundJobs({ adapters, clusterState, config, log }, stopping.signal)
  scope.defer(async () => {
    health.startDraining()
    // Event streams and tuning sessions end; their clients continue on another gateway.
    clusterState.watchers.close()
    stopping.abort(
      gatewayStopping('Open the image again with the same recipe; another gateway will serve it.'),
    )
    await Promise.all([servers.drain(), backgroundJobs])
  })

  const owned = scope.move()
  return {
    url: servers.url,
    grpcAddress: servers.grpcAddress,
    waitForTaskList: (withinMs) => clusterState.follower.waitForCatchUp(withinMs),
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  }
}

function connectAdapters(config: GatewayConfig, log: Logger): Promise<Adapters> {
  return openAdapters({
    settings: config,
    name: 'gateway',
    log,
    writeMemoryBytes: config.uploadMemoryBytes,
    sweepGraceMs: config.sweepGraceMs,
  })
}

/** Actors forward retries too. Gateways do it as well, because no actor may run while every job waits for its retry. */
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
