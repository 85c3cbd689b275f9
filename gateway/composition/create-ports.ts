import { createByteBudget } from '@pixelflow/core/byte-budget'
import type { Adapters } from '@pixelflow/nats/open-adapters'
import type { GatewayConfig } from '../config.ts'
import { countTasks } from '../metrics/count-traffic.ts'
import type { Ports } from '../ports.ts'
import type { Metrics } from './open-metrics.ts'
import type { ClusterState } from './open-cluster-state.ts'

export interface PortsOptions {
  readonly adapters: Adapters
  readonly clusterState: ClusterState
  readonly metrics: Metrics
  readonly config: GatewayConfig
  /** Aborts when this gateway stops. */
  readonly stopping: AbortSignal
}

/** What the use cases run on: the adapters, the state of the cluster, and the limits of the configuration. */
export function createPorts({ adapters, clusterState, metrics, config, stopping }: PortsOptions): Ports {
  return {
    ...adapters,
    ...clusterState,
    onTaskAccepted: countTasks(metrics.meters),
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
    },
  }
}
