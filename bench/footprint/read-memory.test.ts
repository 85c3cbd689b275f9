import { expect, test } from 'bun:test'
import { parseMemory, readMemory, sumMemory } from './read-memory.ts'

test('memory is read from smaps_rollup', async () => {
  expect(parseMemory('00-ff ---p [rollup]\nRss:   2048 kB\nPss:   1024 kB\nPss_Dirty: 7 kB\n')).toEqual({
    rss: 2 * 2 ** 20,
    pss: 2 ** 20,
  })
  const own = await readMemory(process.pid)
  expect(own.rss).toBeGreaterThanOrEqual(own.pss)
  expect(own.pss).toBeGreaterThan(2 ** 20)
})

test('memory is summed by role and in total', () => {
  const one = { rss: 10, pss: 5 }
  expect(
    sumMemory([
      { role: 'workers', memory: one },
      { role: 'workers', memory: one },
      { role: 'gateway', memory: one },
    ]),
  ).toEqual({
    workers: { rss: 20, pss: 10 },
    gateway: one,
    total: { rss: 30, pss: 15 },
  })
})
