import { expect, test } from 'bun:test'
import { judge } from './limits-section.ts'
import { renderPerformance } from './render-performance.ts'

const measured = { measuredOn: '2026-12-01', isQuick: false, otherLoad: 0.1 }
const measurement = (perSecond: number, client: number) => ({ perSecond, cpuMs: { client } })
const results = {
  machine: '2 cores',
  parts: {
    works: {
      ...measured,
      report: {
        works: {
          '3m': {
            title: '3 MB',
            sourceBytes: 3e6,
            systems: {
              pixelflow: { cold: measurement(1, 90), warm: measurement(2, 80) },
              sharp: { cold: measurement(3, 50), warm: measurement(4, 40) },
            },
            ratios: { sharp: { rate: 0.6, cpu: 0.5 } },
            run: {
              rounds: 5,
              tasks: { cold: 40, warmUp: 1200, round: 60 },
              inFlight: { pixelflow: 4, sharp: 2 },
            },
          },
        },
      },
    },
    scale: {
      ...measured,
      isQuick: true,
      otherLoad: 7,
      report: {
        scale: [
          {
            name: 'objects',
            title: 'Files',
            size: 'bytes',
            unit: 'MiB/s',
            points: [{ size: 1000, values: { upload: 3 } }],
          },
        ],
      },
    },
  },
}

test('the page has the parts that were measured, and their pictures', () => {
  const pages = renderPerformance(results)
  const page = pages['performance.md'] ?? ''
  expect(page).toMatch(/\| 3 MB stored ÷ plain sharp loop +\| +0\.60 +\| +within +\|/)
  expect(page).toMatch(/\| list 50 tasks ÷ bare route +\| not measured +\|/)
  expect(page).toMatch(/\| plain sharp loop +\| +4\.0 \| +3\.0 \| +40\.0 \|/)
  expect(page).toContain(
    '5 rounds of 60 tasks for each system, after 40 cold ones and 1,200 that warm up; 4 tasks in flight (plain sharp loop: 2).',
  )
  expect(page).toContain('| CPU ms with client |')
  expect(page).toContain('tenth of the tasks:** scale.')
  expect(page).toContain(
    'other programs used the machine, so that only CPU times are worth reading:** scale.',
  )
  expect(Object.keys(pages).toSorted()).toEqual([
    'performance.md',
    'performance/scale-objects.svg',
    'performance/work-3m.svg',
  ])
  for (const [, link] of page.matchAll(/!\[[^\]]+\]\(([^)]+)\)/g)) expect(pages).toHaveProperty([link ?? ''])
})

test('a value is compared with its limit and its goal', () => {
  const least = { direction: 'least', limit: 0.5, goal: 0.8 } as const
  expect([0.4, 0.5, 0.9].map((value) => judge(least, value))).toEqual(['outside', 'within', 'goal'])
  const most = { direction: 'most', limit: 5, goal: 2 } as const
  expect([6, 5, 1].map((value) => judge(most, value))).toEqual(['outside', 'within', 'goal'])
})

test('a missed limit is emphasized, and a noisy or quick measurement is not judged', () => {
  const judgementOf = (otherLoad: number, uploadToPlainPut: number) => {
    const report = { transfer: { uploadToPlainPut, downloadToPlainGet: 1 } }
    const parts = { transfer: { ...measured, otherLoad, report } }
    const page = renderPerformance({ machine: '', parts })['performance.md'] ?? ''
    return /\| upload ÷ plain pipelined put +\| [\d.]+ +\| (.*?) +\|/.exec(page)?.[1]
  }
  expect([judgementOf(0, 0.1), judgementOf(0, 0.85), judgementOf(0, 1), judgementOf(2, 0.1)]).toEqual([
    '**outside**',
    'within',
    'goal',
    'not judged',
  ])
})
