import { expect, test } from 'bun:test'
import { resolve } from 'node:path'
import type { Report } from './chaos.ts'

/** Short forms of `./pixelflow chaos`. Random choices have a seed, which every report contains. */

async function reportOf(...options: string[]): Promise<Report> {
  const program = Bun.spawn([process.execPath, resolve(import.meta.dir, 'main.ts'), ...options], {
    stdin: 'ignore',
    stdout: 'pipe',
    stderr: 'pipe',
  })
  const [code, out, told] = await Promise.all([program.exited, program.stdout.text(), program.stderr.text()])
  const last = out.trim().split('\n').at(-1) ?? ''
  if (!last.startsWith('{')) throw new Error(`chaos ended with ${code} and no report:\n${told}`)
  const report = JSON.parse(last) as Report
  // The seed, the examples and the place of the log say what to look at.
  const found = Object.entries(report.wrong).filter(([, count]) => count > 0)
  expect({ found, code }, `${told}${last}`).toEqual({ found: [], code: 0 })
  const { accepted, completed, failed, cancelled, deleted } = report
  expect(completed + failed + cancelled + deleted).toBe(accepted)
  return report
}

test('nothing is lost, doubled or wrong when every process is restarted in turn', async () => {
  const report = await reportOf('--rolling', '--rate', '4', '--actors', '2')
  expect(report.accepted).toBeGreaterThan(20)
  expect(Object.keys(report.faults)).toHaveLength(7)
}, 400_000)

test('nothing is lost, doubled or wrong while processes and brokers are killed, stopped and filled at random', async () => {
  const report = await reportOf('--minutes', '1', '--rate', '6')
  expect(report.accepted).toBeGreaterThan(20)
  expect(Object.keys(report.faults).length).toBeGreaterThan(4)
}, 600_000)
