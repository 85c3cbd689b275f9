import { within } from '@pixelflow/core/within'
import type { Adapters } from '@pixelflow/nats/open-adapters'
import { collectBacklog } from '../metrics/collect-backlog.ts'
import { collectState } from '../metrics/collect-state.ts'
import type { CheckHealth } from '../transports/shared/health-view.ts'
import type { ContentDelivery } from './open-content-delivery.ts'
import type { Metrics } from './open-metrics.ts'
import type { ClusterState } from './open-cluster-state.ts'
import { viewHealth } from './view-health.ts'

export interface HealthPart extends AsyncDisposable {
  readonly checkHealth: CheckHealth
  isReady(): Promise<boolean>
  /** Counts the calls of a server, which opens after this part. */
  countCalls(calls: () => number): void
  /** From now on this gateway reports that it drains. */
  startDraining(): void
}

export interface HealthOptions {
  readonly adapters: Adapters
  readonly clusterState: ClusterState
  readonly delivery: ContentDelivery
  readonly metrics: Metrics
}

/** How long the start waits for the first write check, so that a healthy gateway is ready when it first answers. */
const firstCheckMs = 1000

/** The health of this gateway, as probes, operators and metrics see it. */
export async function openHealth({
  adapters,
  clusterState,
  delivery,
  metrics,
}: HealthOptions): Promise<HealthPart> {
  // A process id is not unique: several machines may share a broker.
  const writeCheck = adapters.checkWrites(crypto.randomUUID())
  await within(writeCheck.firstWrite, firstCheckMs)
  let isDraining = false
  let calls = () => 0
  const { follower, roster } = clusterState
  const { sendTracker, spool } = delivery
  const checkHealth = () =>
    viewHealth({ adapters, follower, writeCheck, sendTracker, spool, calls: calls(), isDraining })
  collectState(metrics.meters, checkHealth, adapters.deadLetters.count)
  collectBacklog(metrics.meters, adapters.backlog, roster, adapters.clock)
  return {
    checkHealth,
    isReady: async () => (await checkHealth()).status === 'ok',
    countCalls: (count) => void (calls = count),
    startDraining: () => void (isDraining = true),
    [Symbol.asyncDispose]: async () => writeCheck[Symbol.asyncDispose](),
  }
}
