import { expect, test } from 'bun:test'
import { createNotifier } from './notifier.ts'

test('a notification wakes the current waiters only', async () => {
  const notifier = createNotifier()
  let woken = 0
  const waiting = [1, 2].map(async () => {
    await notifier.wait()
    woken += 1
  })
  notifier.notify()
  await Promise.all(waiting)
  expect(woken).toBe(2)
  const begin = performance.now()
  await notifier.wait({ timeoutMs: 30 })
  expect(performance.now() - begin).toBeGreaterThan(25)
})

test('waiting ends when the signal aborts', async () => {
  const notifier = createNotifier()
  const leave = new AbortController()
  const waiting = notifier.wait({ signal: leave.signal, timeoutMs: 3_600_000 })
  leave.abort()
  await waiting
  await notifier.wait({ signal: leave.signal })
})
