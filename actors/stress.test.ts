import { expect, test } from 'bun:test'
import { runStress, type StressReport } from './testing/stress.ts'

/**
 * Generated hostile files in workers with the options of a shipped actor. `bun actors/testing/main.ts` runs any number
 * of them.
 */

/** No violated expectation and no file left. */
function expectWell({ failures, leftovers }: StressReport): void {
  expect(failures).toEqual([])
  expect(leftovers).toEqual([])
}

test('bombs of every format end with the expected code, within the limits', async () => {
  const report = await runStress({ with: 'bombs' })
  expectWell(report)
  expect(report.events).toEqual([])
  expect(report.files).toBeGreaterThan(60)
}, 300_000)

test('endless work is killed, and each file costs one worker', async () => {
  const report = await runStress({ with: 'slow bombs' })
  expectWell(report)
  expect(report.crashes).toEqual([])
  expect(report.events.length).toBe(3)
}, 600_000)

test('truncated samples of every format are rejected, unless their first frame is complete', async () => {
  const report = await runStress({ with: 'cuts' })
  expectWell(report)
  expect(report.events).toEqual([])
  expect(report.files).toBeGreaterThan(270)
}, 300_000)

test('thousands of files with flipped bits end in an image or a fault, and no worker crashes', async () => {
  const report = await runStress({ with: 'flips', flips: 250 })
  expectWell(report)
  expect(report.events).toEqual([])
  expect(report.files).toBeGreaterThan(4500)
}, 600_000)
