import { renderBudget } from '../budget/render-budget.ts'
import type { MeasuredReports, PageSection } from './page-section.ts'
import { renderBars } from './render-bars.ts'

/** Where the cost of a task goes. */
export function budgetSection(reports: MeasuredReports): PageSection {
  return { lines: renderBudgets(reports), pictures: renderBudgetPictures(reports) }
}

function renderBudgets({ budget }: MeasuredReports): string[] {
  if (budget === undefined) return []
  const sections = Object.entries(budget.budget).flatMap(([name, one]) => [
    `![CPU time by process](performance/budget-${name}.svg)`,
    '',
    renderBudget(one),
    '',
  ])
  return [
    '## Where the cost of a task goes',
    '',
    'Messages and bytes are those that the broker counts for the connections of a process. Calls are counted in instrumented processes, and',
    'system calls by `strace`, each in a run without time measurement. `read` and `write` do not count sockets that Bun reads with `recv`.',
    '',
    ...sections,
  ]
}

function renderBudgetPictures({ budget }: MeasuredReports): Record<string, string> {
  return Object.fromEntries(
    Object.entries(budget?.budget ?? {}).map(([name, { title, processes }]) => [
      `performance/budget-${name}.svg`,
      renderBars({
        title: `CPU time of a task by process: ${title}`,
        unit: 'ms',
        bars: Object.entries(processes).map(([process, { cpuMs }]) => ({
          name: process,
          parts: { [process]: cpuMs },
        })),
      }),
    ]),
  )
}
