/**
 * A value for people. A duration in milliseconds has a unit that suits its size: `3.2 ms`, `450 ms`, `1.25 s`. Another number
 * has at most three digits after the point.
 */
export function formatMeasurement(value: number, unit?: 'ms'): string {
  if (unit === undefined) return String(Math.round(value * 1000) / 1000)
  if (value >= 1000) return `${(value / 1000).toFixed(2)} s`
  return `${value >= 100 ? Math.round(value) : value.toFixed(1)} ms`
}
