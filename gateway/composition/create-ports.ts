import { createByteBudget } from '@pixelflow/core/byte-budget'
import type { Adapters } from '@pixelflow/nats/open-adapters'
import { blobsWithCache } from '@pixelflow/platform/shared-cache/blobs-with-cache'
import type { SharedCache } from '@pixelflow/platform/shared-cache/shared-cache'
import type { SharedFiles } from '@pixelflow/platform/shared-files/shared-files'
import type { GatewayConfig } from '../config.ts'
import { countTasks } from '../metrics/count-traffic.ts'
import type { Ports, ServerDescription } from '../ports.ts'
import type { Metrics } from './open-metrics.ts'
import type { ClusterState } from './open-cluster-state.ts'

export interface PortsOptions {
  readonly adapters: Adapters
  readonly sharedCache: SharedCache
  readonly sharedFiles: SharedFiles
  readonly clusterState: ClusterState
  readonly metrics: Metrics
  readonly config: GatewayConfig
  readonly server: ServerDescription
  /** Aborts when this gateway stops. */
  readonly stopping: AbortSignal
}

/** What the use cases run on: the adapters, the state of the cluster, and the limits of the configuration. */
export function createPorts(options: PortsOptions): Ports {
  const { adapters, sharedCache, sharedFiles, clusterState, metrics, config, server, stopping } = options
  return {
    ...adapters,
    ...clusterState,
    sources: blobsWithCache(adapters.sources, sharedCache),
    results: blobsWithCache(adapters.results, sharedCache),
    sharedCache,
    onTaskAccepted: countTasks(metrics.meters),
    server,
    limits: { maxUploadBytes: config.maxUploadBytes, maxPixels: config.maxPixels },
    tuning: {
      sessionsPerAccount: config.tuneSessions,
      idleTimeoutMs: config.tuneIdleTimeoutMs,
      stopping,
    },
    inline: {
      maxBytes: config.inlineMaxBytes,
      timeoutMs: config.processTimeoutMs,
      memory: createByteBudget(config.inlineMemoryBytes),
      files: sharedFiles,
    },
  }
}
