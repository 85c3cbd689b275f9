import { renderMarkdownTable } from '../budget/render-markdown-table.ts'
import { limits, type Limit } from './limits.ts'
import type { MeasuredReports, PageSection } from './page-section.ts'

/** Every measured number next to its limit and its goal. Only `exact` reports are judged. */
export function limitsSection(reports: MeasuredReports, exact: MeasuredReports): PageSection {
  const lines = [
    '## Limits',
    '',
    'A ratio (÷) is the median of the ratios of each round, except that of 1 kB to 12 MP: its two works are measured one after the other, so',
    'it is the ratio of two medians. “within” is within the limit, “goal” reaches the goal, and **outside** misses the limit. Parts measured',
    'with few tasks or beside other programs are not judged.',
    '',
    renderLimits(reports, exact),
    '',
  ]
  return { lines, pictures: {} }
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
      describeJudgement(limit, value, limit.read(exact) !== undefined),
      bounds,
      String(limit.goal),
      limit.bound,
    ]
  })
  return renderMarkdownTable(
    ['measurement', 'measured', 'judgement', 'limit', 'goal', 'what bounds it'],
    rows,
  )
}

function describeJudgement(limit: Limit, value: number | undefined, isExact: boolean): string {
  if (value === undefined) return ''
  if (!isExact) return 'not judged'
  const judgement = judge(limit, value)
  return judgement === 'outside' ? '**outside**' : judgement
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
