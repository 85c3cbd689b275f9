import { expect, test } from 'bun:test'
import { renderWork } from './render-works.ts'
import { smallTaskToLargePass, summarizeWork } from './works-report.ts'

const measured = (perSecond: number, cpuMs: Record<string, number>) => ({ perSecond, cpuMs })
const measurements = {
  pixelflow: {
    cold: measured(20, { gateway: 9, client: 1 }),
    rounds: [
      measured(40, { gateway: 3, client: 1 }),
      measured(50, { gateway: 4, client: 1 }),
      measured(60, { gateway: 5, client: 1 }),
    ],
  },
  sharp: {
    cold: measured(70, { client: 3 }),
    rounds: [measured(80, { client: 2 }), measured(100, { client: 2 }), measured(60, { client: 3 })],
  },
}

test('a summary has the medians of the rounds and the medians of their ratios', () => {
  const { systems, ratios } = summarizeWork('small', 1000, measurements)
  expect(systems.pixelflow?.warm).toEqual(measured(50, { gateway: 4, client: 1 }))
  expect(systems.pixelflow?.cold.perSecond).toBe(20)
  expect(ratios).toEqual({ sharp: { rate: 0.5, cpu: 0.5 } })
})

test('the small task is compared with the plain pass of the large work, without the client', () => {
  const small = summarizeWork('small', 1000, measurements)
  const large = summarizeWork('large', 3e6, {
    sharp: { cold: measured(9, { client: 60 }), rounds: [measured(9, { client: 50 })] },
  })
  expect(smallTaskToLargePass({ '1k': small, '3m': large })).toBe(4 / 50)
  expect(smallTaskToLargePass({ '1k': small })).toBeUndefined()
})

test('the text names every process and both ratios', () => {
  const text = renderWork(summarizeWork('small', 1000, measurements))
  expect(text).toContain('gateway 4.0, client 1.0')
  expect(text).toMatch(/PixelFlow ÷ plain sharp loop +0\.50 by rate, 0\.50 by CPU/)
})

test('the longest name of a system does not move its columns', () => {
  const report = summarizeWork('small', 1000, { ...measurements, bullmq: measurements.sharp })
  const rows = renderWork(report)
    .split('\n')
    .filter((line) => / (warm|cold) /.test(line))
  expect(new Set(rows.map((line) => line.search(/ (warm|cold) /))).size).toBe(1)
})
