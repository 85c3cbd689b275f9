import { expect, test } from 'bun:test'
import { createByteBudget } from './byte-budget.ts'

test('grants free bytes at once and serves waiters in order of arrival', async () => {
  let short = 0
  const budget = createByteBudget(10, () => short++)
  await budget.acquire(6)
  const served: string[] = []
  const big = budget.acquire(8).then(() => served.push('big'))
  const small = budget.acquire(1).then(() => served.push('small'))
  expect(budget.tryAcquire(1)).toBe(false)
  // Grants would have been served by then.
  await Bun.sleep(1)
  expect(served).toEqual([])
  expect(short).toBe(2)
  budget.release(6)
  await Promise.all([big, small])
  expect(served).toEqual(['big', 'small'])
  expect(budget.tryAcquire(1)).toBe(true)
  expect(budget.tryAcquire(1)).toBe(false)
})

test('low-priority waiters are served after all others', async () => {
  const budget = createByteBudget(10)
  await budget.acquire(8)
  const served: string[] = []
  const giant = budget.acquire(10, undefined, true).then(() => served.push('giant'))
  const small = budget.acquire(1, undefined, true).then(() => served.push('small'))
  await budget.acquire(2)
  const urgent = budget.acquire(3).then(() => served.push('urgent'))
  budget.release(2)
  budget.release(8)
  await urgent
  expect(served).toEqual(['urgent'])
  budget.release(3)
  await giant
  budget.release(10)
  await small
  expect(served).toEqual(['urgent', 'giant', 'small'])
})

test('a request larger than the budget takes the whole budget', async () => {
  const budget = createByteBudget(10)
  await budget.acquire(50)
  expect(budget.tryAcquire(1)).toBe(false)
  budget.release(50)
  expect(budget.tryAcquire(10)).toBe(true)
})

test('an aborted waiter unblocks the waiters behind it', async () => {
  const budget = createByteBudget(10)
  await budget.acquire(5)
  const leaving = new AbortController()
  const left = budget.acquire(10, leaving.signal)
  const behind = budget.acquire(5)
  leaving.abort(new Error('gone'))
  await expect(left).rejects.toThrow('gone')
  await behind
  expect(budget.tryAcquire(1)).toBe(false)
  await expect(budget.acquire(1, AbortSignal.abort(new Error('never came')))).rejects.toThrow('never came')
})
