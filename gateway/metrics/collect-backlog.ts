import { dispatcherName } from '@pixelflow/core/actor'
import { actorKinds } from '@pixelflow/core/job'
import { pause } from '@pixelflow/core/pause'
import type { Backlog } from '@pixelflow/core/ports/backlog'
import type { Clock } from '@pixelflow/core/ports/clock'
import type { Roster } from '@pixelflow/core/ports/registry'
import type { Meters } from '@pixelflow/platform/telemetry/meters'
import type { gatewayMetrics } from './gateway-metrics.ts'

/** A reading is not held up for longer. */
const patienceMs = 1000

/** Tells with each reading what bulk work waits, since when, and whether somebody lets it into the queue. */
export function collectBacklog(
  meters: Meters<typeof gatewayMetrics>,
  backlog: Pick<Backlog, 'count' | 'oldest'>,
  roster: Pick<Roster, 'actors'>,
  clock: Clock,
): void {
  const jobs = meters.gauge('backlogJobs')
  const waited = meters.gauge('backlogSeconds')
  const dispatchers = meters.gauge('dispatchers')
  meters.before(async () => {
    const late = pause(patienceMs).then(() => undefined)
    await Promise.all(
      actorKinds.map(async (kind) => {
        const asked = Promise.all([backlog.count(kind), backlog.oldest(kind)]).catch(() => undefined)
        const [count, oldest] = (await Promise.race([asked, late])) ?? [Number.NaN, undefined]
        const seconds = oldest ? Math.max(0, (clock.now() - oldest.since.getTime()) / 1000) : 0
        const inOffice = roster.actors.filter(({ report }) => report.offices?.includes(dispatcherName(kind)))
        jobs(count, { kind })
        waited(oldest === undefined ? Number.NaN : seconds, { kind })
        dispatchers(inOffice.length, { kind })
      }),
    )
  })
}
