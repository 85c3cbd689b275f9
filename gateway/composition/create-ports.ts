import { createByteBudget } from '@pixelflow/core/byte-budget'
import type { Adapters } from '@pixelflow/nats/open-adapters'
import type { GatewayConfig } from '../config.ts'
import { countTasks } from '../metrics/count-traffic.ts'
import type { Ports } from '../ports.ts'
import type { Metrics } from './open-metrics.ts'
import type { TaskList } from './open-task-list.ts'

export interface PortsOptions {
  readonly adapters: Adapters
  readonly taskList: TaskList
  readonly metrics: Metrics
  readonly config: GatewayConfig
  /** Aborts when this gateway stops. */
  readonly stopping: AbortSignal
}

/** What the use cases run on: the adapters, the task list, and the limits of the configuration. */
export function createPorts({ adapters, taskList, metrics, config, stopping }: PortsOptions): Ports {
  return {
    ...adapters,
    ...taskList,
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
