import type { Adapters } from '@pixelflow/nats/open-adapters'
import type { Logger } from '@pixelflow/platform/telemetry/logger'
import type { GatewayConfig } from '../config.ts'
import { requeueOrphans } from '../background/requeue-orphans.ts'
import { runSweeps } from '../background/run-sweeps.ts'
import type { ClusterState } from './open-cluster-state.ts'

export interface BackgroundJobsOptions {
  readonly adapters: Adapters
  readonly clusterState: ClusterState
  readonly config: GatewayConfig
  readonly log: Logger
}

/**
 * Runs what one elected gateway does for all: sweeps, and the requeueing of orphaned jobs. Resolves after `signal` has
 * aborted.
 */
export async function runBackgroundJobs(
  { adapters, clusterState, config, log }: BackgroundJobsOptions,
  signal: AbortSignal,
): Promise<void> {
  const { clock, leaderElection, orphanedJobs, events, sweeper } = adapters
  const { index, roster } = clusterState
  await Promise.all([
    runSweeps({ leaderElection, sweeper, everyMs: config.sweepIntervalMs, log }, signal),
    requeueOrphans({ clock, leaderElection, orphanedJobs, events, index, roster, log }, signal),
  ])
}
