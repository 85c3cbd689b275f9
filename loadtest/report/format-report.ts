import { formatMeasurement } from './format-measurement.ts'
import type { LoadReport, Threshold } from './load-report.ts'

/** The report as lines of text: thresholds, failed checks, durations. */
export function formatReport(report: LoadReport): string[] {
  const { scenario, profile, users, durationMs, server, thresholds, checks, durations, counts, isPassed } =
    report
  const failed = checks.filter(({ fails }) => fails > 0)
  const width = Math.max(0, ...durations.map(({ name }) => name.length))
  const measured = durations.map(
    ({ name, count, median, p95, p99, max }) =>
      `  ${name.padEnd(width)}  ${describeTimes({ median, p95, p99, max })}  (${count})`,
  )
  const counted = counts
    .filter(({ name }) => !name.startsWith('data_'))
    .map(({ name, total, perSecond }) => `${total} ${name} (${formatMeasurement(perSecond)}/s)`)
  return [
    `${scenario}, profile ${profile}: ${users} users, ${formatMeasurement(durationMs / 1000)} s, ${server.url}`,
    ...thresholds.map((one) => `  ${one.isPassed ? 'passed' : 'FAILED'}  ${describeThreshold(one)}`),
    ...failed.map(({ name, passes, fails }) => `  failed check: ${name} (${fails} of ${passes + fails})`),
    ...measured,
    `  ${counted.join(', ')}`,
    isPassed ? 'Every threshold passed.' : 'A threshold failed.',
  ]
}

/** A threshold with what was measured. */
export function describeThreshold({ metric, rule, measured }: Threshold): string {
  const isDuration = metric.endsWith('_duration')
  const limit = isDuration ? `${rule} ms` : rule
  if (measured === null) return `${metric} ${limit}: nothing was measured`
  return `${metric} ${limit}: measured ${formatMeasurement(measured, isDuration ? 'ms' : undefined)}`
}

function describeTimes(times: Readonly<Record<string, number>>): string {
  return Object.entries(times)
    .map(([name, ms]) => `${name} ${formatMeasurement(ms, 'ms')}`)
    .join(', ')
}
