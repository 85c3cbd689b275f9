import { expect, test } from 'bun:test'
import type { Fault } from '@pixelflow/core/fault'
import { stays, waitFor } from '@pixelflow/testkit/wait-for'
import { readResidentBytes } from './read-resident-bytes.ts'
import { createWorkWatch } from './work-watch.ts'

test('readResidentBytes returns the memory of a process, and 0 after its exit', async () => {
  const own = await readResidentBytes(process.pid)
  expect(Math.abs(own - process.memoryUsage.rss())).toBeLessThan(32 * 2 ** 20)
  const short = Bun.spawn(['true'])
  await short.exited
  expect(await readResidentBytes(short.pid)).toBe(0)
})

test.each([
  ['maxRssBytes', 'resource_limit_exceeded'],
  ['timeLimitMs', 'deadline_exceeded'],
] as const)('a watch reports work above %s once, and not after the work', async (limit, code) => {
  const watched = Bun.spawn([process.execPath, '-e', 'setInterval(() => {}, 1000)'])
  const watch = createWorkWatch(watched.pid)
  const faults: Fault[] = []
  const limits = { timeLimitMs: 60_000, maxRssBytes: 2 ** 40, maxCpuMs: 60_000 }
  {
    using _ = watch.begin({ ...limits, [limit]: 1 }, (fault) => faults.push(fault))
    await waitFor('limit reported', () => faults.length)
    await stays('one report', () => faults.length === 1, 300)
  }
  expect(faults[0]?.code).toBe(code)
  {
    using _ = watch.begin({ ...limits, [limit]: 1 }, (fault) => faults.push(fault))
  }
  // The watch outlives the work by a tick.
  using _ = watch.begin(limits, (fault) => faults.push(fault))
  await stays('no report for work within its limits', () => faults.length === 1, 300)
  watch.stop()
  watched.kill()
})
