import type { TimeSeries } from './load-report.ts'

/** Metrics of k6 that become a series: statistic in the record, name and unit in the report. */
const displayedMetrics: Readonly<Record<string, Pick<TimeSeries, 'name' | 'unit'>>> = {
  vus: { name: 'users', unit: '' },
  http_reqs: { name: 'HTTP requests', unit: 'per second' },
  iterations: { name: 'rounds', unit: 'per second' },
}

interface Metric {
  readonly type: 'counter' | 'gauge' | 'rate' | 'trend'
  readonly custom?: boolean
}

type RecordedEvent =
  | { event: 'param'; data: { aggregates: Readonly<Record<Metric['type'], readonly string[]>> } }
  | { event: 'metric'; data: Readonly<Record<string, Metric>> }
  | { event: 'start' | 'snapshot'; data: readonly (readonly number[])[] }
  | { event: 'cumulative' | 'threshold' | 'stop'; data: unknown }

/**
 * Converts the record of k6's web dashboard, one JSON object per line: a snapshot of all metrics for each period. Custom
 * durations become a series of their 95th percentile.
 */
export function parseK6Record(text: string): TimeSeries[] {
  const metrics: Record<string, Metric> = {}
  const series = new Map<string, Omit<TimeSeries, 'points'> & { readonly points: [number, number][] }>()
  let aggregates: Readonly<Record<string, readonly string[]>> = {}
  let startMs = 0
  for (const line of text.split('\n').filter(Boolean)) {
    const recorded = JSON.parse(line) as RecordedEvent
    if (recorded.event === 'param') aggregates = recorded.data.aggregates
    if (recorded.event === 'metric') Object.assign(metrics, recorded.data)
    if (recorded.event === 'start') startMs = recorded.data[0]?.[0] ?? 0
    if (recorded.event !== 'snapshot') continue
    // A snapshot has the metrics in the order of their names.
    const names = Object.keys(metrics).sort()
    const timeMs = recorded.data[names.indexOf('time')]?.[0] ?? startMs
    for (const [at, name] of names.entries()) {
      const metric = metrics[name]
      const displayed = metric && describe(name, metric)
      if (displayed === undefined) continue
      const value = recorded.data[at]?.[aggregates[metric?.type ?? '']?.indexOf(displayed.statistic) ?? -1]
      // No sample in this period.
      if (value === undefined) continue
      const known = series.get(name) ?? { name: displayed.name, unit: displayed.unit, points: [] }
      known.points.push([Math.round((timeMs - startMs) / 100) / 10, value])
      series.set(name, known)
    }
  }
  return [...series.values()]
}

function describe(
  name: string,
  { type, custom }: Metric,
): (Pick<TimeSeries, 'name' | 'unit'> & { statistic: string }) | undefined {
  const displayed = displayedMetrics[name]
  if (displayed !== undefined) return { ...displayed, statistic: type === 'gauge' ? 'value' : 'rate' }
  return type === 'trend' && custom === true
    ? { name: `${name} p95`, unit: 'ms', statistic: 'p(95)' }
    : undefined
}
