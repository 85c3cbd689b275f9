import { expect, test } from 'bun:test'
import { runStress, type StressReport } from './testing/stress.ts'

/**
 * Hostile files, made by code, in children held as the shipped actor holds them, watched from outside. `bun
 * actors/testing/main.ts` does it with as many as you like.
 */

/** Nothing is wrong, and nothing is left. */
function isWell({ failures, left }: StressReport): void {
  expect(failures).toEqual([])
  expect(left).toEqual([])
}

test('bombs of every format end as they should, within bounds', async () => {
  const report = await runStress({ with: 'bombs' })
  isWell(report)
  expect(report.news).toEqual([])
  expect(report.files).toBeGreaterThan(60)
}, 300_000)

test('those that would not end are ended, and each costs one child', async () => {
  const report = await runStress({ with: 'slow bombs' })
  isWell(report)
  expect(report.news.every((line) => line.startsWith('lost: Processing '))).toBe(true)
  expect(report.news.length).toBe(3)
}, 600_000)

test('every sample of every format, cut at each 16th, is refused, or whole where its first frame is', async () => {
  const report = await runStress({ with: 'cuts' })
  isWell(report)
  expect(report.news).toEqual([])
  expect(report.files).toBeGreaterThan(270)
}, 300_000)

test('thousands of files with bits turned over end in a picture or a typed fault; no child dies of them', async () => {
  const report = await runStress({ with: 'flips', flips: 250 })
  isWell(report)
  expect(report.news).toEqual([])
  expect(report.files).toBeGreaterThan(4500)
}, 600_000)
