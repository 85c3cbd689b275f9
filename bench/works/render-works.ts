import { systemTitles, type SystemName } from './system.ts'
import { sumCpuMs, type SystemSummary, type WorkReport } from './works-report.ts'

/** The results of a work as lines of text: a table of the systems, and the ratios. */
export function renderWork({ title, sourceBytes, systems, ratios }: WorkReport): string {
  const rows = Object.entries(systems) as [SystemName, SystemSummary][]
  const width = Math.max(...rows.map(([name]) => systemTitles[name].length))
  const lines = rows.flatMap(([name, { cold, warm }]) =>
    (
      [
        ['warm', warm],
        ['cold', cold],
      ] as const
    ).map(([state, measured]) => {
      const servers = Object.entries(measured.cpuMs).map(([process, ms]) => `${process} ${ms.toFixed(1)}`)
      return [
        systemTitles[name].padEnd(width),
        state,
        measured.perSecond.toFixed(1).padStart(8),
        sumCpuMs(measured, false).toFixed(1).padStart(8),
        sumCpuMs(measured, true).toFixed(1).padStart(8),
        `  ${servers.join(', ')}`,
      ].join(' ')
    }),
  )
  const ratioLines = (Object.entries(ratios) as [SystemName, { rate: number; cpu: number }][]).map(
    ([name, { rate, cpu }]) =>
      `PixelFlow ÷ ${systemTitles[name].padEnd(width)} ${rate.toFixed(2)} by rate, ${cpu.toFixed(2)} by CPU`,
  )
  return [
    `${title} (a JPEG of ${sourceBytes} bytes)`,
    `${''.padEnd(width)}        tasks/s  servers      all   CPU ms of a task`,
    ...lines,
    ...ratioLines,
  ].join('\n')
}
