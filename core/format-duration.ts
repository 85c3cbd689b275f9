/** Formats a duration in milliseconds: `84 ms`, `1.2 s`, `3 min 20 s`. `gap` separates number and unit. */
export function formatDuration(ms: number, gap = ' '): string {
  if (ms < 999.5) return `${Math.max(0, Math.round(ms))}${gap}ms`
  if (ms < 59_950) return `${(ms / 1000).toFixed(1)}${gap}s`
  const seconds = Math.round(ms / 1000)
  return `${Math.floor(seconds / 60)}${gap}min ${seconds % 60}${gap}s`
}
