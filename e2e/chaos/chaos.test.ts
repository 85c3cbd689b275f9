import { expect, test } from 'bun:test'
import { resolve } from 'node:path'
import type { Report } from './chaos.ts'

/** The short form; `./pixelflow chaos` is the long one. */
test('processes and brokers die and hang at random, and nothing is lost, doubled or wrong', async () => {
  const minutes = 0.75
  const program = Bun.spawn(
    [process.execPath, resolve(import.meta.dir, 'main.ts'), '--minutes', `${minutes}`, '--rate', '6'],
    { stdin: 'ignore', stdout: 'pipe', stderr: 'pipe' },
  )
  const [code, out, told] = await Promise.all([program.exited, program.stdout.text(), program.stderr.text()])
  const last = out.trim().split('\n').at(-1) ?? ''
  if (!last.startsWith('{')) throw new Error(`chaos ended with ${code} and no report:\n${told}`)
  const report = JSON.parse(last) as Report
  // Seed, examples and the place of the log tell what to look at.
  expect({ ...report.wrong, code }, `${told}${last}`).toEqual({ code: 0 })
  expect(report.accepted).toBeGreaterThan(100)
  expect(Object.keys(report.mischief).length).toBeGreaterThan(4)
}, 300_000)
