/** Human-readable sizes and durations, the same on the page and in a terminal. */

const sizes = ['B', 'kB', 'MB', 'GB', 'TB'] as const

/** A size in bytes, in decimal units: `812 B`, `43.1 kB`, `123 MB`. `gap` separates number and unit. */
export function size(bytes: number, gap = ' '): string {
  let value = bytes
  let unit = 0
  for (; value >= 999.5 && unit < sizes.length - 1; unit += 1) value /= 1000
  return `${unit === 0 ? value : value.toFixed(value < 99.95 ? 1 : 0)}${gap}${sizes[unit]}`
}

/** A duration in milliseconds: `84 ms`, `1.2 s`, `3 min 20 s`. */
export function span(ms: number, gap = ' '): string {
  if (ms < 999.5) return `${Math.max(0, Math.round(ms))}${gap}ms`
  if (ms < 59_950) return `${(ms / 1000).toFixed(1)}${gap}s`
  const seconds = Math.round(ms / 1000)
  return `${Math.floor(seconds / 60)}${gap}min ${seconds % 60}${gap}s`
}
