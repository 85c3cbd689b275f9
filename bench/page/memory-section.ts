import { renderMarkdownTable } from '../budget/render-markdown-table.ts'
import { formatMeasured } from './format-measured.ts'
import { limitAt } from './limits.ts'
import type { MeasuredReports, PageSection } from './page-section.ts'
import { orderProcesses } from './color-of-process.ts'
import { renderBars } from './render-bars.ts'

/** Memory of the stack, idle and under load. */
export function memorySection(reports: MeasuredReports): PageSection {
  return { lines: renderMemory(reports), pictures: renderMemoryPicture(reports) }
}

function renderMemory({ footprint }: MeasuredReports): string[] {
  if (footprint === undefined) return []
  const { idle, load } = footprint.footprint
  const { in: messagesIn, out } = idle.messagesPerSecond
  const mebibytes = (bytes = 0) => (bytes / 2 ** 20).toFixed(0)
  const roles = orderProcesses(Object.keys(load.peak)).filter((role) => role !== 'total')
  const rows = [...roles, 'total'].map((role) => [
    role,
    (idle.cpuPercent[role] ?? 0).toFixed(2),
    mebibytes(idle.memory[role]?.rss),
    mebibytes(load.peak[role]?.rss),
  ])
  return [
    '## Memory',
    '',
    '![Resident memory by process](performance/memory.svg)',
    '',
    `The whole stack of \`./pixelflow up\`, all processes, idle and with four tasks of 12 megapixels in flight. Idle, the broker gets ${formatMeasured(messagesIn)} messages a second and sends ${formatMeasured(out)}.`,
    '',
    renderMarkdownTable(['process', 'CPU idle, % of a core', 'MiB idle', 'MiB under load'], rows),
    '',
  ]
}

function renderMemoryPicture({ footprint }: MeasuredReports): Record<string, string> {
  if (footprint === undefined) return {}
  const { idle, load } = footprint.footprint
  const bars = [
    { name: 'idle', memory: idle.memory, limit: limitAt('memory-idle') },
    { name: 'under load, at the peak', memory: load.peak, limit: limitAt('memory-under-load') },
  ].map(({ name, memory, limit }) => ({
    name,
    limit,
    parts: Object.fromEntries(
      Object.entries(memory).flatMap(([role, { rss }]) => (role === 'total' ? [] : [[role, rss / 2 ** 20]])),
    ) as Record<string, number>,
  }))
  return {
    'performance/memory.svg': renderBars({ title: 'Resident memory of the stack', unit: 'MiB', bars }),
  }
}
