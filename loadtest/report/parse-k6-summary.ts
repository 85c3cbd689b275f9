import type { Count, Duration, LoadResult, Threshold } from './load-report.ts'

/** The argument of k6's `handleSummary`, as far as it is used. */
export interface K6Summary {
  readonly state: { readonly testRunDurationMs: number }
  readonly metrics: Readonly<Record<string, K6Metric>>
  readonly root_group: K6Group
}

interface K6Metric {
  readonly type: 'counter' | 'gauge' | 'rate' | 'trend'
  readonly contains: 'default' | 'time' | 'data'
  readonly values: Readonly<Record<string, number>>
  readonly thresholds?: Readonly<Record<string, { readonly ok: boolean }>>
}

interface K6Group {
  readonly groups: readonly K6Group[]
  readonly checks: readonly { readonly name: string; readonly passes: number; readonly fails: number }[]
}

/** Durations of k6 that say nothing about the server, or repeat another. */
const hiddenDurations =
  /^(?:http_req_(?:blocked|connecting|sending|receiving|waiting|tls_handshaking)|iteration_duration)$/

/** Converts the summary of k6, without series. */
export function parseK6Summary({ state, metrics, root_group }: K6Summary): Omit<LoadResult, 'series'> {
  const all = Object.entries(metrics)
  return {
    durationMs: state.testRunDurationMs,
    thresholds: all.flatMap(([name, metric]) => thresholdsOf(name, metric)),
    checks: checksOf(root_group),
    durations: all
      .filter(
        ([name, { type, contains }]) =>
          type === 'trend' && contains === 'time' && !hiddenDurations.test(name),
      )
      .map(([name, { values }]) => toDuration(name, values))
      .filter(({ count }) => count > 0)
      .sort((a, b) => a.name.localeCompare(b.name)),
    counts: all
      .filter(([, { type }]) => type === 'counter')
      .map(([name, { values, contains }]): Count => ({
        name,
        ...(contains === 'data' ? { unit: 'bytes' } : {}),
        total: values['count'] ?? 0,
        perSecond: values['rate'] ?? 0,
      }))
      .sort((a, b) => a.name.localeCompare(b.name)),
  }
}

function thresholdsOf(name: string, { values, thresholds = {}, type }: K6Metric): Threshold[] {
  return Object.entries(thresholds).map(([rule, { ok }]) => {
    const isMeasured =
      type === 'rate' ? (values['passes'] ?? 0) + (values['fails'] ?? 0) > 0 : values['count'] !== 0
    const statistic = /^[a-z]+(?:\(\d+\))?/.exec(rule)?.[0] ?? ''
    const measured = isMeasured ? (values[statistic] ?? null) : null
    // k6 passes a threshold without samples.
    return { metric: name, rule, measured, isPassed: ok && isMeasured }
  })
}

function checksOf({ checks, groups }: K6Group): { name: string; passes: number; fails: number }[] {
  const own = checks.map(({ name, passes, fails }) => ({ name, passes, fails }))
  return [...own, ...groups.flatMap(checksOf)]
}

function toDuration(name: string, values: Readonly<Record<string, number>>): Duration {
  return {
    name,
    count: values['count'] ?? 0,
    median: values['med'] ?? 0,
    p95: values['p(95)'] ?? 0,
    p99: values['p(99)'] ?? 0,
    max: values['max'] ?? 0,
  }
}
