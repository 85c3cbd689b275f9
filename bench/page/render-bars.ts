import { colorOf, round, svgDocument, svgText } from './svg.ts'

export interface BarChart {
  readonly title: string
  readonly unit: string
  readonly bars: readonly { readonly name: string; readonly parts: Readonly<Record<string, number>> }[]
}

const width = 760
const left = 230
const right = 70
const barHeight = 22
const gap = 10
const top = 34

/** Horizontal bars, each a sum of parts, with a legend. */
export function renderBars({ title, unit, bars }: BarChart): string {
  const names = [...new Set(bars.flatMap(({ parts }) => Object.keys(parts)))]
  const sums = bars.map(({ parts }) => Object.values(parts).reduce((sum, value) => sum + value, 0))
  const scale = (width - left - right) / Math.max(...sums, Number.MIN_VALUE)
  const legend = names.flatMap((name, at) => {
    const x = 10 + at * Math.min(150, (width - 20) / names.length)
    return [
      `<rect x="${round(x)}" y="8" width="12" height="12" fill="${colorOf(at)}"/>`,
      svgText(x + 17, 19, name),
    ]
  })
  const rows = bars.flatMap(({ name, parts }, row) => {
    const y = top + row * (barHeight + gap)
    let x = left
    const rects = names.flatMap((part, at) => {
      const length = (parts[part] ?? 0) * scale
      const rect = `<rect x="${round(x)}" y="${y}" width="${round(length)}" height="${barHeight}" fill="${colorOf(at)}"/>`
      x += length
      return length > 0 ? [rect] : []
    })
    const sum = `${(sums[row] ?? 0).toFixed(1)} ${unit}`
    return [svgText(left - 8, y + 16, name, 'end'), ...rects, svgText(x + 6, y + 16, sum)]
  })
  const height = top + bars.length * (barHeight + gap)
  return svgDocument({ width, height }, title, describeBars(bars, unit), [...legend, ...rows])
}

function describeBars(bars: BarChart['bars'], unit: string): string {
  const texts = bars.map(({ name, parts }) => {
    const values = Object.entries(parts).map(([part, value]) => `${part} ${value.toFixed(1)}`)
    return `${name}: ${values.join(', ')} ${unit}`
  })
  return texts.join('. ')
}
