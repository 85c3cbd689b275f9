const byteUnits = ['B', 'kB', 'MB', 'GB', 'TB'] as const

/**
 * A value for people, in a unit that suits its size: a duration in milliseconds as `3.2 ms`, `450 ms` or `1.25 s`, bytes as
 * `119.5 MB`. Another number has at most three digits after the point.
 */
export function formatMeasurement(value: number, unit?: 'ms' | 'bytes'): string {
  if (unit === undefined) return String(Math.round(value * 1000) / 1000)
  if (unit === 'bytes') return formatBytes(value)
  if (value >= 1000) return `${(value / 1000).toFixed(2)} s`
  return `${value >= 100 ? Math.round(value) : value.toFixed(1)} ms`
}

function formatBytes(bytes: number): string {
  const power = Math.min(byteUnits.length - 1, Math.floor(Math.log10(Math.max(1, bytes)) / 3))
  return `${Math.round((bytes / 1000 ** power) * 10) / 10} ${byteUnits[power]}`
}
