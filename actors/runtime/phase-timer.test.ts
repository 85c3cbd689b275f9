import { expect, test } from 'bun:test'
import { startPhaseTimer } from './phase-timer.ts'

test('the timer adds up the time of each phase, failed work included', async () => {
  let clock = 100
  const timer = startPhaseTimer(() => clock)
  const takes = async (ms: number) => {
    await Promise.resolve()
    clock += ms
  }
  await timer.time('store', takes(20))
  const failing = timer.time(
    'store',
    takes(5.5).then(() => Promise.reject(new Error('no'))),
  )
  await expect(failing).rejects.toThrow('no')
  timer.addTime('worker', 12.34)
  expect(timer.totals()).toEqual({ store: 25.5, worker: 12.3, total: 25.5 })
})
