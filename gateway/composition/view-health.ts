import { within } from '@pixelflow/core/within'
import type { Adapters } from '@pixelflow/nats/open-adapters'
import type { WriteCheck } from '@pixelflow/nats/jetstream/write-check'
import type { DiskSpool } from '../delivery/disk-spool.ts'
import type { Follower } from '../follow/follower.ts'
import manifest from '../package.json'
import type { HealthView } from '../transports/shared/health-view.ts'
import type { SendTracker } from '../transports/rest/send-tracker.ts'

/** What the health of a gateway depends on. */
export interface HealthInputs {
  readonly adapters: Adapters
  readonly follower: Pick<Follower, 'state'>
  readonly writeCheck: Pick<WriteCheck, 'state'>
  readonly sendTracker: SendTracker
  readonly spool: DiskSpool
  readonly calls: number
  readonly isDraining: boolean
}

/** Checks everything, within a limited time. Never throws. */
export async function viewHealth({
  adapters,
  follower,
  writeCheck,
  sendTracker,
  spool,
  calls,
  isDraining,
}: HealthInputs): Promise<HealthView> {
  const broker = await adapters.health()
  const last = broker.isUp ? await lastSequence(adapters) : undefined
  const { sequence, isCaughtUp, lagMs, watchers } = follower.state
  const { isOk: isWritable, ageMs, reason } = writeCheck.state
  const isHealthy = broker.isUp && isWritable && isCaughtUp
  return {
    status: isDraining ? 'draining' : isHealthy ? 'ok' : 'unavailable',
    version: manifest.version,
    uptimeSeconds: Math.round(process.uptime()),
    checks: {
      broker: {
        ok: broker.isUp,
        ...(broker.reason === undefined ? {} : { detail: broker.reason }),
        ...(broker.roundTripMs === undefined
          ? {}
          : { roundTripMs: Math.round(broker.roundTripMs * 100) / 100 }),
      },
      writes: {
        ok: isWritable,
        ...(reason === undefined ? {} : { detail: reason }),
        ...(ageMs === undefined ? {} : { ageMs }),
      },
      taskList: {
        ok: isCaughtUp,
        sequence,
        ...(isCaughtUp ? {} : { detail: 'The task list is catching up with the event log.' }),
        ...(last === undefined ? {} : { lagEvents: Math.max(0, last - sequence) }),
        ...(Number.isNaN(lagMs) ? {} : { lagMs: Math.round(lagMs * 10) / 10 }),
      },
    },
    load: {
      watchers,
      calls,
      inFlightResponseBytes: sendTracker.bytes,
      spooledFiles: spool.files,
      residentBytes: process.memoryUsage.rss(),
    },
  }
}

/** Undefined when the broker does not answer within a second. */
async function lastSequence(adapters: Adapters): Promise<number | undefined> {
  const head = await within(adapters.eventLog.readHead(), 1000).catch(() => undefined)
  return head?.last
}
