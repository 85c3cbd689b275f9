/** A size for eyes: `812 B`, `43.1 kB`, `2.4 MB`. */
export function size(bytes: number): string {
  const units = ['B', 'kB', 'MB', 'GB', 'TB']
  let value = bytes
  let unit = 0
  for (; value >= 999.5 && unit < units.length - 1; unit++) value /= 1000
  return `${unit === 0 ? value : value.toFixed(value < 99.95 ? 1 : 0)} ${units[unit]}`
}

/** A span for eyes: `84 ms`, `1.2 s`, `3 min 20 s`. */
export function span(ms: number): string {
  if (ms < 1000) return `${Math.round(ms)} ms`
  if (ms < 59_950) return `${(ms / 1000).toFixed(1)} s`
  const seconds = Math.round(ms / 1000)
  return `${Math.floor(seconds / 60)} min ${seconds % 60} s`
}

/** How much smaller or larger, for eyes: `−86 %`, `−99.7 %`, `+3 %`, `±0 %`. */
export function change(before: number, after: number): string {
  const exact = (after / before - 1) * 100
  const percent = Math.abs(exact).toFixed(exact < -99.5 && exact > -100 ? 1 : 0)
  if (percent === '0') return '±0 %'
  return `${exact < 0 ? '−' : '+'}${percent} %`
}
