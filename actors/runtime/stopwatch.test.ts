import { expect, test } from 'bun:test'
import { stopwatch } from './stopwatch.ts'

test('adds up what each stage took, also when it failed', async () => {
  const watch = stopwatch()
  expect(
    await watch.time(
      'store',
      Bun.sleep(20).then(() => 'kept'),
    ),
  ).toBe('kept')
  await watch
    .time(
      'store',
      Bun.sleep(20).then(() => Promise.reject(new Error('no'))),
    )
    .catch(() => {})
  watch.spent('child', 12.34)
  const { store = 0, child, total = 0 } = watch.spentMs()
  expect(store).toBeGreaterThan(30)
  expect(child).toBe(12.3)
  expect(total).toBeGreaterThanOrEqual(store)
})
