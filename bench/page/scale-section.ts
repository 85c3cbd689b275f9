import { renderMarkdownTable } from '../budget/render-markdown-table.ts'
import { bends } from '../scale/bends.ts'
import { formatMeasured } from './format-measured.ts'
import { formatSize } from './format-size.ts'
import { limitAt } from './limits.ts'
import type { MeasuredReports, PageSection } from './page-section.ts'
import { renderLines, type CurveLimit } from './render-lines.ts'

/** Limits that the pictures show, by the name of the curve. */
const curveLimits: Readonly<Record<string, readonly CurveLimit[]>> = {
  followers: [{ size: 5000, line: 'p99', limit: limitAt('scale-followers-5000-p99') }],
}

/** Curves over the number of processes, followers, tasks and bytes. */
export function scaleSection(reports: MeasuredReports): PageSection {
  return { lines: renderCurves(reports), pictures: renderCurvePictures(reports) }
}

function renderCurves({ scale }: MeasuredReports): string[] {
  if (scale === undefined) return []
  const sections = scale.scale.flatMap(({ name, title, size, unit, points }) => {
    const names = [...new Set(points.flatMap(({ values }) => Object.keys(values)))]
    const rows = points.map((point) => [
      formatSize(point.size, size),
      ...names.map((line) => (point.values[line] === undefined ? '' : formatMeasured(point.values[line]))),
    ])
    return [
      `### ${title}`,
      '',
      `![${title}](performance/scale-${name}.svg)`,
      '',
      renderMarkdownTable([size, ...names.map((line) => `${line}, ${unit}`)], rows),
      '',
      bends[name] ?? '',
      '',
    ]
  })
  return ['## Scale', '', ...sections]
}

function renderCurvePictures({ scale }: MeasuredReports): Record<string, string> {
  return Object.fromEntries(
    (scale?.scale ?? []).map((curve) => [
      `performance/scale-${curve.name}.svg`,
      renderLines(curve, curveLimits[curve.name]),
    ]),
  )
}
