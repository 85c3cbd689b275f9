const units = ['B', 'kB', 'MB', 'GB', 'TB'] as const

/** Formats a size in bytes, in decimal units: `812 B`, `43.1 kB`, `123 MB`. `gap` separates number and unit. */
export function formatBytes(bytes: number, gap = ' '): string {
  let value = bytes
  let unit = 0
  for (; value >= 999.5 && unit < units.length - 1; unit += 1) value /= 1000
  return `${unit === 0 ? value : value.toFixed(value < 99.95 ? 1 : 0)}${gap}${units[unit]}`
}
