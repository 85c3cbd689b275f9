import { expect, test } from 'bun:test'
import { describeThreshold } from './format-report.ts'
import { formatMeasurement } from './format-measurement.ts'
import { renderReport } from './render-report.ts'

test('numbers have the unit that suits their size', () => {
  expect([3, 119_524_783].map((bytes) => formatMeasurement(bytes, 'bytes'))).toEqual(['3 B', '119.5 MB'])
  expect([3.21, 450, 1250].map((ms) => formatMeasurement(ms, 'ms'))).toEqual(['3.2 ms', '450 ms', '1.25 s'])
})

test('the limit of a duration has its unit', () => {
  const duration = { metric: 'process_duration', rule: 'p(95)<3200', measured: 88, isPassed: true }
  expect(describeThreshold(duration)).toBe('process_duration p(95)<3200 ms: measured 88.0 ms')
  const rate = { metric: 'checks', rule: 'rate==1', measured: 1, isPassed: true }
  expect(describeThreshold(rate)).toBe('checks rate==1: measured 1')
})

test('the page says what was sent, and how the number of users changed', () => {
  const page = renderReport({
    scenario: 'process',
    summary: 'Summary.',
    profile: 'load',
    users: 10,
    stages: [
      { seconds: 5, users: 10 },
      { seconds: 60, users: 10 },
    ],
    imageBytes: 180_000,
    recipe: '{"steps":[]}',
    startedAt: '2026-12-01T00:00:00Z',
    server: { url: 'http://localhost', version: '1' },
    client: { cores: 2, cpu: 'CPU' },
    isPassed: true,
    durationMs: 65_000,
    thresholds: [],
    checks: [],
    durations: [],
    counts: [{ name: 'data_sent', unit: 'bytes', total: 119_524_783, perSecond: 2_927_239.176 }],
    series: [],
  })
  for (const text of ['0 → 10 users in 5 s, 10 users for 60 s', 'JPEG of 180 kB', '119.5 MB', '2.9 MB'])
    expect(page).toContain(text)
  expect(page).toContain(Bun.escapeHTML('{"steps":[]}'))
})
