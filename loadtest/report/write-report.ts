import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { LoadReport } from './load-report.ts'
import { renderReport } from './render-report.ts'

/** Writes `report.html` and `report.json` into a folder, which is created. Returns the path of the page. */
export async function writeReport(report: LoadReport, folder: string): Promise<string> {
  await mkdir(folder, { recursive: true })
  const page = join(folder, 'report.html')
  await Bun.write(page, renderReport(report))
  await Bun.write(join(folder, 'report.json'), `${JSON.stringify(report, null, 2)}\n`)
  return page
}
