import type { Curve } from '../scale/curve.ts'
import { createAxis } from './axis.ts'
import { colorOf, dashedLine, round, svgDocument, svgText } from './svg.ts'
import { formatMeasured } from './format-measured.ts'
import { formatSize } from './format-size.ts'

const width = 760
const height = 300
const frame = { left: 70, right: 20, top: 34, bottom: 46 }

/** A limit of one line at one size. */
export interface CurveLimit {
  readonly size: number
  readonly line: string
  readonly limit: number
}

/** A curve with its sizes at equal distances, since they grow by factors. Limits are drawn at their size. */
export function renderLines(
  { title, size, unit, points }: Curve,
  limits: readonly CurveLimit[] = [],
): string {
  const names = [...new Set(points.flatMap(({ values }) => Object.keys(values)))]
  const measuredLimits = limits.filter((limit) => points.some((point) => point.size === limit.size))
  const axis = createAxis([
    ...points.flatMap(({ values }) => Object.values(values)),
    ...measuredLimits.map(({ limit }) => limit),
  ])
  const x = (at: number) =>
    frame.left + (width - frame.left - frame.right) * (points.length > 1 ? at / (points.length - 1) : 0.5)
  const y = (value: number) => height - frame.bottom - (height - frame.top - frame.bottom) * axis.place(value)
  const ticks = axis.ticks.flatMap((tick) => {
    const at = round(y(tick))
    const line = `<line x1="${frame.left}" y1="${at}" x2="${width - frame.right}" y2="${at}" stroke="#999" stroke-opacity="0.4"/>`
    return [line, svgText(frame.left - 8, at + 4, tick.toLocaleString('en'), 'end')]
  })
  const scaleNote = axis.isLogarithmic ? [svgText(width - frame.right, 19, 'logarithmic axis', 'end')] : []
  const sizes = points.map((point, at) =>
    svgText(
      x(at),
      height - frame.bottom + 18,
      formatSize(point.size, size),
      at === points.length - 1 && at > 0 ? 'end' : 'middle',
    ),
  )
  const lines = names.flatMap((name, line) => {
    const places = points.flatMap(({ values }, at) => {
      const value = values[name]
      return value === undefined ? [] : [[round(x(at)), round(y(value))] as const]
    })
    const color = colorOf(line)
    return [
      `<polyline fill="none" stroke="${color}" stroke-width="2" points="${places.map((place) => place.join(',')).join(' ')}"/>`,
      ...places.map(([cx, cy]) => `<circle cx="${cx}" cy="${cy}" r="3" fill="${color}"/>`),
      `<rect x="${10 + line * 180}" y="8" width="12" height="12" fill="${color}"/>`,
      svgText(27 + line * 180, 19, `${name}, ${unit}`),
    ]
  })
  const limitLines = measuredLimits.flatMap(({ size: at, line, limit }) => {
    const center = x(points.findIndex((point) => point.size === at))
    const [from, to] = [Math.max(frame.left, center - 40), Math.min(width - frame.right, center + 40)]
    return [
      dashedLine(from, y(limit), to, y(limit)),
      svgText(to, y(limit) - 6, `limit of ${line}: ${limit} ${unit}`, 'end'),
    ]
  })
  const below = svgText(width / 2, height - 8, size, 'middle')
  return svgDocument({ width, height }, title, describeLines(points, size, unit), [
    ...scaleNote,
    ...ticks,
    ...sizes,
    ...lines,
    ...limitLines,
    below,
  ])
}

function describeLines(points: Curve['points'], size: string, unit: string): string {
  const texts = points.map((point) => {
    const values = Object.entries(point.values).map(
      ([name, value]) => `${name} ${formatMeasured(value)} ${unit}`,
    )
    return `${formatSize(point.size, size)} ${size}: ${values.join(', ')}`
  })
  return texts.join('. ')
}
