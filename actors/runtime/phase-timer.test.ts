import { expect, test } from 'bun:test'
import { stopwatch } from './phase-timer.ts'

test('adds up what each stage took, also when it failed', async () => {
  let clock = 100
  const watch = stopwatch(() => clock)
  const takes = async (ms: number) => {
    await Promise.resolve()
    clock += ms
  }
  await watch.time('store', takes(20))
  const failing = watch.time(
    'store',
    takes(5.5).then(() => Promise.reject(new Error('no'))),
  )
  await expect(failing).rejects.toThrow('no')
  watch.spent('child', 12.34)
  expect(watch.spentMs()).toEqual({ store: 25.5, child: 12.3, total: 25.5 })
})
