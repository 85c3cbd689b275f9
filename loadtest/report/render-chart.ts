import { formatMeasurement } from './format-measurement.ts'
import type { TimeSeries } from './load-report.ts'

/** About the width of a chart on the page, so that texts have their size. */
const width = 460
const height = 150
const left = 64
const bottom = 22
const top = 8

/** A series as a line chart in SVG, without scripts. Colors come from the page. */
export function renderChart({ name, unit, points }: TimeSeries): string {
  const endS = Math.max(1, ...points.map(([seconds]) => seconds))
  const highest = niceMaximum(Math.max(0, ...points.map(([, value]) => value)))
  const x = (seconds: number) => left + (seconds / endS) * (width - left - 8)
  const y = (value: number) => top + (1 - value / highest) * (height - top - bottom)
  const line = points.map(([seconds, value]) => `${x(seconds).toFixed(1)},${y(value).toFixed(1)}`).join(' ')
  const format = (value: number) => formatMeasurement(value, unit === 'ms' ? unit : undefined)
  const rows = [0, highest / 2, highest].map(
    (value) =>
      `<line x1="${left}" x2="${width - 8}" y1="${y(value)}" y2="${y(value)}"/>` +
      `<text x="${left - 6}" y="${y(value) + 4}" text-anchor="end">${format(value)}</text>`,
  )
  const title = unit === '' || unit === 'ms' ? name : `${name} ${unit}`
  return (
    `<figure><figcaption>${Bun.escapeHTML(title)}</figcaption>` +
    `<svg viewBox="0 0 ${width} ${height}" role="img" aria-label="${Bun.escapeHTML(title)} over time">` +
    `${rows.join('')}<text x="${left}" y="${height - 4}">0 s</text>` +
    `<text x="${width - 8}" y="${height - 4}" text-anchor="end">${formatMeasurement(endS)} s</text>` +
    `<polyline points="${line}"/></svg></figure>`
  )
}

/** The smallest 1, 2 or 5 times a power of ten that is not below the value. */
function niceMaximum(value: number): number {
  if (value <= 0) return 1
  const power = 10 ** Math.floor(Math.log10(value))
  return [1, 2, 5, 10].map((factor) => factor * power).find((one) => one >= value) ?? 10 * power
}
