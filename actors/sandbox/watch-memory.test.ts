import { expect, test } from 'bun:test'
import { stays, waitFor } from '@pixelflow/testkit/wait-for'
import { readResidentBytes, watchMemory } from './watch-memory.ts'

test('readResidentBytes returns the memory of a process, and 0 after its exit', async () => {
  const own = await readResidentBytes(process.pid)
  expect(Math.abs(own - process.memoryUsage.rss())).toBeLessThan(32 * 2 ** 20)
  const short = Bun.spawn(['true'])
  await short.exited
  expect(await readResidentBytes(short.pid)).toBe(0)
})

test('watchMemory calls back once above the limit, and not after it was disposed', async () => {
  let calls = 0
  {
    using _ = watchMemory(process.pid, 1, () => (calls += 1))
    await waitFor('callback', () => calls)
    await stays('one call', () => calls === 1, 700)
  }
  expect(calls).toBe(1)
  {
    using _ = watchMemory(process.pid, 1, () => (calls += 1))
  }
  await stays('no call after disposal', () => calls === 1, 300)
  expect(calls).toBe(1)
})
