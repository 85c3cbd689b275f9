import type { CheckCount, Duration, LoadResult, TimeSeries, Threshold } from '../report/load-report.ts'
import { createHistogram, type Histogram } from '../report/histogram.ts'

/** What the followers of one run measured. */
export interface Measurements {
  check(name: string, isPassed: boolean): void
  addDuration(name: DurationName, ms: number): void
  /** An event was received, or a stream ended before its task. */
  count(name: 'events' | 'interruptions'): void
  /** Adds the last second to the series, and returns a line about it. */
  sample(openFollowers: number): string
  result(limits: ResultLimits): LoadResult
}

export interface ResultLimits {
  /** The number of followers that must have been open at the same time. */
  readonly minOpenFollowers: number
  /** Largest ratio of failed checks, 0 to 1. */
  readonly maxFailedChecks: number
  /** Limits of the 95th percentile in milliseconds. */
  readonly limitsMs: Partial<Readonly<Record<DurationName, number>>>
}

/**
 * `connect_duration`: until the response begins. `delivery_duration`: from the receipt of an event by the first follower of its
 * task until another receives it. `event_delay`: from the time in the event, by the clock of the server, until its receipt.
 */
export type DurationName = 'connect_duration' | 'delivery_duration' | 'event_delay'

export function createMeasurements(now: () => number = () => performance.now()): Measurements {
  const startedAt = now()
  const checks = new Map<string, { passes: number; fails: number }>()
  const durations = new Map<DurationName, Histogram>()
  const followers: [number, number][] = []
  const eventRates: [number, number][] = []
  const deliveries: [number, number][] = []
  let recentDeliveries = createHistogram()
  const counts = { events: 0, interruptions: 0 }
  let recentEvents = 0
  let sampledAt = startedAt

  return {
    check(name, isPassed) {
      const tally = checks.get(name) ?? { passes: 0, fails: 0 }
      tally[isPassed ? 'passes' : 'fails'] += 1
      checks.set(name, tally)
    },
    addDuration(name, ms) {
      const histogram = durations.get(name) ?? createHistogram()
      histogram.add(ms)
      durations.set(name, histogram)
      if (name === 'delivery_duration') recentDeliveries.add(ms)
    },
    count(name) {
      counts[name] += 1
      if (name === 'events') recentEvents += 1
    },
    sample(openFollowers) {
      const at = now()
      const seconds = Math.round((at - startedAt) / 100) / 10
      const rate = Math.round((1000 * recentEvents) / (at - sampledAt))
      const p95 = recentDeliveries.quantile(0.95)
      followers.push([seconds, openFollowers])
      eventRates.push([seconds, rate])
      if (recentDeliveries.count > 0) deliveries.push([seconds, p95])
      recentDeliveries = createHistogram()
      recentEvents = 0
      sampledAt = at
      return `${seconds.toFixed(0)} s: ${openFollowers} followers, ${rate} events/s, delivery p95 ${p95.toFixed(1)} ms`
    },
    result({ minOpenFollowers, maxFailedChecks, limitsMs }) {
      const durationMs = now() - startedAt
      const all: CheckCount[] = [...checks].map(([name, tally]) => ({ name, ...tally }))
      const passes = all.reduce((sum, one) => sum + one.passes, 0)
      const total = passes + all.reduce((sum, one) => sum + one.fails, 0)
      const rate = total === 0 ? null : passes / total
      const peak = Math.max(0, ...followers.map(([, open]) => open))
      const thresholds: Threshold[] = [
        {
          metric: 'checks',
          rule: maxFailedChecks === 0 ? 'rate==1' : `rate>=${1 - maxFailedChecks}`,
          measured: rate,
          isPassed: rate !== null && rate >= 1 - maxFailedChecks,
        },
        {
          metric: 'open_followers',
          rule: `max>=${minOpenFollowers}`,
          measured: peak,
          isPassed: peak >= minOpenFollowers,
        },
        ...Object.entries(limitsMs).map(([metric, limit]): Threshold => {
          const measured = durations.get(metric as DurationName)?.quantile(0.95) ?? null
          return { metric, rule: `p(95)<${limit}`, measured, isPassed: measured !== null && measured < limit }
        }),
      ]
      return {
        durationMs,
        thresholds,
        checks: all,
        durations: [...durations].map(([name, histogram]) => toDuration(name, histogram)),
        counts: Object.entries(counts).map(([name, total]) => ({
          name,
          total,
          perSecond: (1000 * total) / durationMs,
        })),
        series: [
          { name: 'open followers', unit: '', points: followers },
          { name: 'events', unit: 'per second', points: eventRates },
          { name: 'delivery_duration p95', unit: 'ms', points: deliveries },
        ] satisfies TimeSeries[],
      }
    },
  }
}

function toDuration(name: string, histogram: Histogram): Duration {
  return {
    name,
    count: histogram.count,
    median: histogram.quantile(0.5),
    p95: histogram.quantile(0.95),
    p99: histogram.quantile(0.99),
    max: histogram.max,
  }
}
