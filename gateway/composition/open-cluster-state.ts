import { join } from 'node:path'
import { countWorkers } from '@pixelflow/core/actor'
import { listStartingKinds } from '@pixelflow/core/actor-kinds'
import type { Roster } from '@pixelflow/core/ports/registry'
import type { Adapters } from '@pixelflow/nats/open-adapters'
import type { Logger } from '@pixelflow/platform/telemetry/logger'
import type { GatewayConfig } from '../config.ts'
import { createWritePositions, type WritePositions } from '../consistency/write-positions.ts'
import { startFollower, type Follower } from '../follow/follower.ts'
import { createWatchers, type Watchers } from '../follow/watchers.ts'
import { createTaskQuota, type TaskQuota } from '../limits/task-quota.ts'
import { openReadModel, type ReadModel } from '../readmodel/read-model.ts'

export interface ClusterState extends AsyncDisposable {
  readonly index: ReadModel
  readonly watchers: Watchers
  readonly follower: Follower
  /** The actors that are alive. */
  readonly roster: Roster
  readonly writePositions: WritePositions
  readonly taskQuota: TaskQuota
}

/**
 * What this gateway knows of the cluster. It follows the event log once, for the task list, the watchers, the write positions
 * and the task quota; and the announcements of actors.
 */
export function openClusterState(
  { clock, eventLog, registry }: Adapters,
  config: GatewayConfig,
  log: Logger,
): ClusterState {
  const scope = new AsyncDisposableStack()
  const watchers = createWatchers()
  const index: ReadModel = scope.use(
    openReadModel({
      path: join(config.dataDir, 'gateway', 'tasks.sqlite'),
      clock,
      retentionMs: config.taskRetentionMs,
      log,
      onRewound: () => follower.onRewound(),
    }),
  )
  const roster = scope.use(registry.follow())
  const writePositions = createWritePositions()
  const taskQuota = createTaskQuota(index, config, () => countWorkers(roster.actors, listStartingKinds()))
  const onNewLog = () => [writePositions, taskQuota].forEach((one) => one.forget())
  const follower: Follower = scope.use(startFollower({ clock, eventLog, index, watchers, onNewLog, log }))
  return {
    index,
    watchers,
    follower,
    roster,
    writePositions,
    taskQuota,
    [Symbol.asyncDispose]: () => scope.disposeAsync(),
  }
}
