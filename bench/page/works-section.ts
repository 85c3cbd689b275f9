import { renderMarkdownTable } from '../budget/render-markdown-table.ts'
import { systemTitles, type SystemName } from '../works/system.ts'
import { sumCpuMs, type WorkReport } from '../works/works-report.ts'
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
    renderWorkTable(work),
    '',
  ])
  return [
    '## Whole tasks',
    '',
    'Upload, wait on the event stream, download. Cold: the first tasks after the start.',
    '',
    ...sections,
  ]
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
  return renderMarkdownTable(['', 'tasks/s', 'cold', 'CPU ms', 'cold', 'PixelFlow ÷ it', 'by CPU'], rows)
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
