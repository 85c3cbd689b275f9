import { expect, test } from 'bun:test'
import { waitFor } from '@pixelflow/testkit/wait-for'
import { msUntilTick, onTick } from './ticks.ts'

test('periods that divide each other end at the same moments', () => {
  expect(msUntilTick(1000, 12_345)).toBe(655)
  expect(msUntilTick(2000, 12_345)).toBe(1655)
  expect(msUntilTick(2000, 12_345 + msUntilTick(1000, 12_345))).toBe(1000)
})

test('at a tick the whole period is left', () => {
  expect(msUntilTick(1000, 3000)).toBe(1000)
})

test('another process of this machine has the same ticks', async () => {
  const module = JSON.stringify(new URL('./ticks.ts', import.meta.url).pathname)
  const program = `import { msUntilTick } from ${module}; console.log(Date.now() + msUntilTick(3_600_000))`
  const other = Bun.spawn([process.execPath, '-e', program], { stdout: 'pipe' })
  const theirs = Number(await other.stdout.text())
  const distance = Math.abs(theirs - (Date.now() + msUntilTick(3_600_000)))
  expect(Math.min(distance, 3_600_000 - distance)).toBeLessThan(100)
})

test('a callback runs at each tick until it is disposed', async () => {
  let calls = 0
  const ticks = onTick(5, () => void (calls += 1))
  await waitFor(
    'three ticks',
    () => calls,
    (count) => count >= 3,
  )
  ticks[Symbol.dispose]()
  const before = calls
  let others = 0
  using _others = onTick(5, () => void (others += 1))
  await waitFor(
    'three ticks of another',
    () => others,
    (count) => count >= 3,
  )
  expect(calls).toBe(before)
})
