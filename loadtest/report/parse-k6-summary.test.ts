import { expect, test } from 'bun:test'
import { parseK6Summary, type K6Summary } from './parse-k6-summary.ts'

const summary = (metrics: K6Summary['metrics']): K6Summary => ({
  state: { testRunDurationMs: 1000 },
  metrics,
  root_group: {
    checks: [{ name: 'a', passes: 2, fails: 1 }],
    groups: [{ checks: [{ name: 'b', passes: 1, fails: 0 }], groups: [] }],
  },
})

test('a threshold has the measured value', () => {
  const values = { count: 3, med: 5, 'p(95)': 9, 'p(99)': 10, max: 11 }
  const { thresholds, durations, checks } = parseK6Summary(
    summary({
      task_duration: { type: 'trend', contains: 'time', values, thresholds: { 'p(95)<8': { ok: false } } },
    }),
  )
  expect(thresholds).toEqual([{ metric: 'task_duration', rule: 'p(95)<8', measured: 9, isPassed: false }])
  expect(durations).toEqual([{ name: 'task_duration', count: 3, median: 5, p95: 9, p99: 10, max: 11 }])
  expect(checks.map(({ name }) => name)).toEqual(['a', 'b'])
})

test.each([
  ['rate', { rate: 0, passes: 0, fails: 0 }, 'rate==1'],
  ['trend', { count: 0, 'p(95)': 0 }, 'p(95)<8'],
] as const)('a threshold of a %s without samples fails, although k6 passes it', (type, values, rule) => {
  const { thresholds } = parseK6Summary(
    summary({ some: { type, contains: 'default', values, thresholds: { [rule]: { ok: true } } } }),
  )
  expect(thresholds).toEqual([{ metric: 'some', rule, measured: null, isPassed: false }])
})

test('bytes have a unit, and other counts have none', () => {
  const values = { count: 3, rate: 1 }
  const { counts } = parseK6Summary(
    summary({
      data_sent: { type: 'counter', contains: 'data', values },
      iterations: { type: 'counter', contains: 'default', values },
    }),
  )
  expect(counts.map(({ unit }) => unit)).toEqual(['bytes', undefined])
})
