import { dispatcherName } from '@pixelflow/core/actor'
import type { ActorKind } from '@pixelflow/core/actor-kinds'
import type { Adapters } from '@pixelflow/nats/open-adapters'
import type { Logger } from '@pixelflow/platform/telemetry/logger'
import type { ActorSettings } from '../config.ts'
import { admitBulkJobs } from '../runtime/admit-bulk-jobs.ts'
import { deadLetterUndeliverable } from '../runtime/dead-letter-undeliverable.ts'
import type { ActorAnnouncement } from './announce-actor.ts'

export interface ActorBackgroundJobsOptions {
  readonly adapters: Adapters
  readonly kinds: readonly ActorKind[]
  readonly announcement: Pick<ActorAnnouncement, 'setLeader'>
  readonly settings: Pick<ActorSettings, 'accountRunning'>
  readonly log: Logger
}

/**
 * Runs what the queue needs besides its jobs: retries are forwarded, undeliverable jobs
 * dead-lettered, and bulk jobs admitted. Resolves after `signal` has aborted.
 */
export async function runActorBackgroundJobs(
  { adapters, kinds, announcement, settings, log }: ActorBackgroundJobsOptions,
  signal: AbortSignal,
): Promise<void> {
  const { events, retries, undeliverableJobs, deadLetters } = adapters
  const { leaderElection, backlog, registry } = adapters
  const maxAdmittedOf = () => settings.accountRunning || Number.POSITIVE_INFINITY
  await Promise.all([
    retries.forward(signal),
    deadLetterUndeliverable({ leaderElection, undeliverableJobs, deadLetters, events, log }, signal),
    ...kinds.map((kind) => {
      const onLeaderChange = (isLeader: boolean) => announcement.setLeader(dispatcherName(kind), isLeader)
      const options = { kind, leaderElection, backlog, registry, maxAdmittedOf, onLeaderChange, log }
      return admitBulkJobs(options, signal)
    }),
  ])
}
