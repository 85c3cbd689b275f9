import { renderMarkdownTable } from '../budget/render-markdown-table.ts'
import { limits, type Limit } from './limits.ts'
import type { MeasuredReports, PageSection } from './page-section.ts'

/** Every measured number next to its limit and its goal. Only `exact` reports are judged. */
export function limitsSection(reports: MeasuredReports, exact: MeasuredReports): PageSection {
  return { lines: ['## Limits', '', renderLimits(reports, exact), ''], pictures: {} }
}

function renderLimits(reports: MeasuredReports, exact: MeasuredReports): string {
  const rows = limits.map((limit) => {
    const value = limit.read(reports)
    const text =
      value === undefined
        ? 'not measured'
        : `${value.toFixed(limit.digits)}${limit.unit ? ` ${limit.unit}` : ''}`
    const bounds = `at ${limit.direction} ${limit.limit}`
    return [
      limit.name,
      text,
      limit.read(exact) === undefined || value === undefined ? '' : judge(limit, value),
      bounds,
      String(limit.goal),
      limit.bound,
    ]
  })
  return renderMarkdownTable(['', 'measured', '', 'limit', 'goal', 'what bounds it'], rows)
}

/** Whether a value is within its limit. */
export function judge(
  { direction, limit, goal }: Pick<Limit, 'direction' | 'limit' | 'goal'>,
  value: number,
): string {
  const isWithin = (bound: number) => (direction === 'least' ? value >= bound : value <= bound)
  if (isWithin(goal)) return 'goal'
  return isWithin(limit) ? 'within' : 'outside'
}
