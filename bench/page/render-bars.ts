import { colorOfProcess, orderProcesses } from './color-of-process.ts'
import { dashedLine, round, svgDocument, svgText } from './svg.ts'

export interface BarChart {
  readonly title: string
  readonly unit: string
  readonly bars: readonly Bar[]
}

interface Bar {
  readonly name: string
  /** Values by process. */
  readonly parts: Readonly<Record<string, number>>
  /** Largest sum of the parts that is allowed. */
  readonly limit?: number
}

const width = 760
const left = 230
const right = 90
const barHeight = 22
const gap = 10
const legendHeight = 34

/** Horizontal bars, each a sum of parts, with a legend unless the name of a bar is that of its only part. */
export function renderBars({ title, unit, bars }: BarChart): string {
  const names = orderProcesses(bars.flatMap(({ parts }) => Object.keys(parts)))
  const sums = bars.map(({ parts }) => Object.values(parts).reduce((sum, value) => sum + value, 0))
  const limits = bars.map(({ limit = 0 }) => limit)
  const scale = (width - left - right) / Math.max(...sums, ...limits, Number.MIN_VALUE)
  const needsLegend = bars.some(({ name, parts }) => Object.keys(parts).some((part) => part !== name))
  const top = needsLegend ? legendHeight : gap
  const rows = bars.flatMap(({ name, parts, limit }, row) => {
    const y = top + row * (barHeight + gap)
    let x = left
    const rects = names.flatMap((part) => {
      const length = (parts[part] ?? 0) * scale
      const rect = `<rect x="${round(x)}" y="${y}" width="${round(length)}" height="${barHeight}" fill="${colorOfProcess(part)}"/>`
      x += length
      return length > 0 ? [rect] : []
    })
    const limitX = left + (limit ?? 0) * scale
    const limitLine = limit === undefined ? [] : [dashedLine(limitX, y - 4, limitX, y + barHeight + 4)]
    const sum = `${(sums[row] ?? 0).toFixed(1)} ${unit}`
    // Beside the limit, not across it.
    const textX = limit !== undefined && limitX > x && limitX < x + 80 ? limitX : x
    return [svgText(left - 8, y + 16, name, 'end'), ...rects, ...limitLine, svgText(textX + 6, y + 16, sum)]
  })
  const height = top + bars.length * (barHeight + gap)
  const content = [...(needsLegend ? renderLegend(names, bars) : []), ...rows]
  return svgDocument({ width, height }, title, describeBars(bars, unit), content)
}

function renderLegend(names: readonly string[], bars: readonly Bar[]): string[] {
  let x = 10
  const entries = names.flatMap((name) => {
    const entry = [
      `<rect x="${x}" y="8" width="12" height="12" fill="${colorOfProcess(name)}"/>`,
      svgText(x + 17, 19, name),
    ]
    x += 17 + name.length * 7 + 16
    return entry
  })
  if (bars.every(({ limit }) => limit === undefined)) return entries
  return [...entries, dashedLine(x, 14, x + 22, 14), svgText(x + 28, 19, 'limit')]
}

function describeBars(bars: BarChart['bars'], unit: string): string {
  const texts = bars.map(({ name, parts, limit }) => {
    const values = orderProcesses(Object.keys(parts)).map(
      (part) => `${part} ${(parts[part] ?? 0).toFixed(1)}`,
    )
    return `${name}: ${values.join(', ')} ${unit}${limit === undefined ? '' : `, limit ${limit} ${unit}`}`
  })
  return texts.join('. ')
}
