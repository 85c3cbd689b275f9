import { expect, test } from 'bun:test'
import { resolve } from 'node:path'
import type { ChaosReport } from './run-chaos.ts'

/** Short forms of `./pixelflow chaos`. Random choices have a seed, which every report contains. */

async function runChaos(...options: string[]): Promise<ChaosReport> {
  const program = Bun.spawn([process.execPath, resolve(import.meta.dir, 'main.ts'), ...options], {
    stdin: 'ignore',
    stdout: 'pipe',
    stderr: 'pipe',
  })
  const [code, out, errors] = await Promise.all([
    program.exited,
    program.stdout.text(),
    program.stderr.text(),
  ])
  const last = out.trim().split('\n').at(-1) ?? ''
  if (!last.startsWith('{')) throw new Error(`chaos ended with ${code} and no report:\n${errors}`)
  const report = JSON.parse(last) as ChaosReport
  // On failure, the output shows the seed, the examples and the path of the log.
  const found = Object.entries(report.violations).filter(([, count]) => count > 0)
  expect({ found, code }, `${errors}${last}`).toEqual({ found: [], code: 0 })
  const { accepted, completed, failed, cancelled, deleted } = report
  expect(completed + failed + cancelled + deleted).toBe(accepted)
  return report
}

test('no task is lost, duplicated or wrong when every process is restarted in turn', async () => {
  const report = await runChaos('--rolling', '--rate', '4', '--actors', '2')
  expect(report.accepted).toBeGreaterThan(20)
  expect(Object.keys(report.faults)).toHaveLength(7)
}, 400_000)

test('no task is lost, duplicated or wrong while processes are killed and frozen, and disks are filled, at random', async () => {
  const report = await runChaos('--minutes', '1', '--rate', '6')
  expect(report.accepted).toBeGreaterThan(20)
  expect(Object.keys(report.faults).length).toBeGreaterThan(4)
}, 600_000)
