import { renderMarkdownTable } from '../budget/render-markdown-table.ts'
import { systemTitles, type SystemName } from '../works/system.ts'
import { sumCpuMs, type WorkReport, type WorkRun } from '../works/works-report.ts'
import type { MeasuredReports, PageSection } from './page-section.ts'
import { renderBars } from './render-bars.ts'

/** Whole tasks of each work, with PixelFlow next to the other systems. */
export function worksSection(reports: MeasuredReports): PageSection {
  return { lines: renderWorks(reports), pictures: renderWorkPictures(reports) }
}

function renderWorks({ works }: MeasuredReports): string[] {
  if (works === undefined) return []
  const sections = Object.entries(works.works).flatMap(([name, work]) => [
    `### ${work.title}`,
    '',
    `![CPU time of a task](performance/work-${name}.svg)`,
    '',
    ...(work.run === undefined ? [] : [describeRun(work.run), '']),
    renderWorkTable(work),
    '',
  ])
  return [
    '## Whole tasks',
    '',
    'Upload, wait on the event stream, download. Cold: the first tasks after the start. The systems take turns in each round.',
    '',
    'Rates and CPU times are medians of the rounds. A ratio is the median of the ratios of each round, because both systems had the same',
    'other load then; where the rounds differ much, it is therefore not the ratio of the two rates in the table. CPU is that of all',
    'processes with the client, which does the whole work in the plain loops. “by CPU” is the CPU of the other system ÷ that of PixelFlow:',
    'the ratio of the rates if all cores were always busy with nothing else.',
    '',
    ...sections,
  ]
}

function describeRun({ rounds, tasks, inFlight }: WorkRun): string {
  const counts = Object.entries(inFlight) as [SystemName, number][]
  const usual = inFlight.pixelflow ?? counts[0]?.[1]
  const others = counts
    .filter(([, count]) => count !== usual)
    .map(([name, count]) => `${systemTitles[name]}: ${count}`)
  const format = (count: number) => count.toLocaleString('en')
  return (
    `${rounds} rounds of ${format(tasks.round)} tasks for each system, after ${format(tasks.cold)} cold ones and ` +
    `${format(tasks.warmUp)} that warm up; ${usual} tasks in flight${others.length > 0 ? ` (${others.join(', ')})` : ''}.`
  )
}

function renderWorkTable({ systems, ratios }: WorkReport): string {
  const rows = (Object.keys(systems) as SystemName[]).map((name) => {
    const system = systems[name]
    const ratio = ratios[name]
    if (system === undefined) return []
    return [
      systemTitles[name],
      system.warm.perSecond.toFixed(1),
      system.cold.perSecond.toFixed(1),
      sumCpuMs(system.warm, true).toFixed(1),
      sumCpuMs(system.cold, true).toFixed(1),
      ratio === undefined ? '' : ratio.rate.toFixed(2),
      ratio === undefined ? '' : ratio.cpu.toFixed(2),
    ]
  })
  return renderMarkdownTable(
    ['system', 'tasks/s', 'cold', 'CPU ms with client', 'cold', 'PixelFlow ÷ it', 'by CPU'],
    rows,
  )
}

function renderWorkPictures({ works }: MeasuredReports): Record<string, string> {
  return Object.fromEntries(
    Object.entries(works?.works ?? {}).map(([name, { title, systems }]) => [
      `performance/work-${name}.svg`,
      renderBars({
        title: `CPU time of a task, warm: ${title}`,
        unit: 'ms',
        bars: (Object.keys(systems) as SystemName[]).map((system) => ({
          name: systemTitles[system],
          parts: systems[system]?.warm.cpuMs ?? {},
        })),
      }),
    ]),
  )
}
