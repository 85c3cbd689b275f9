/** A number as people write it: `1,000`; bytes as `64 kB`. */
export function formatSize(value: number, unit: string): string {
  if (unit !== 'bytes') return value.toLocaleString('en')
  const units = ['B', 'kB', 'MB', 'GB'] as const
  const power = Math.min(units.length - 1, Math.floor(Math.log10(Math.max(1, value)) / 3))
  return `${Number((value / 1000 ** power).toPrecision(3))} ${units[power]}`
}
