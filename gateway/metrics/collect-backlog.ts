import { dispatcherName } from '@pixelflow/core/actor'
import { jobKinds } from '@pixelflow/core/actor-kinds'
import { within } from '@pixelflow/core/within'
import type { Backlog } from '@pixelflow/core/ports/backlog'
import type { Clock } from '@pixelflow/core/ports/clock'
import type { Roster } from '@pixelflow/core/ports/registry'
import type { Meters } from '@pixelflow/platform/telemetry/meters'
import type { gatewayMetrics } from './gateway-metrics.ts'

/** Maximum time that the store may delay a scrape. */
const timeoutMs = 1000

/** With each scrape, sets the metrics of the bulk backlog: number and age of jobs, and the number of dispatchers. */
export function collectBacklog(
  meters: Meters<typeof gatewayMetrics>,
  backlog: Pick<Backlog, 'count' | 'oldest'>,
  roster: Pick<Roster, 'actors'>,
  clock: Clock,
): void {
  const jobs = meters.gauge('backlogJobs')
  const ageSeconds = meters.gauge('backlogOldestJobAge')
  const dispatchers = meters.gauge('dispatchers')
  meters.beforeCollect(async () => {
    await Promise.all(
      jobKinds.map(async (kind) => {
        const counts = Promise.all([backlog.count(kind), backlog.oldest(kind)]).catch(() => undefined)
        const [count, oldest] = (await within(counts, timeoutMs)) ?? [Number.NaN, undefined]
        const seconds = oldest ? Math.max(0, (clock.now() - oldest.since.getTime()) / 1000) : 0
        const holders = roster.actors.filter(({ report }) => report.leaderOf?.includes(dispatcherName(kind)))
        jobs(count, { kind })
        ageSeconds(oldest === undefined ? Number.NaN : seconds, { kind })
        dispatchers(holders.length, { kind })
      }),
    )
  })
}
