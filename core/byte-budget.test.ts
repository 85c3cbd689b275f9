import { expect, test } from 'bun:test'
import { createByteBudget } from './byte-budget.ts'

test('grants free bytes at once and serves waiters in order of arrival', async () => {
  let short = 0
  const budget = createByteBudget(10, () => short++)
  await budget.take(6)
  const served: string[] = []
  const big = budget.take(8).then(() => served.push('big'))
  const small = budget.take(1).then(() => served.push('small'))
  expect(budget.tryTake(1)).toBe(false)
  // Grants would have been served by then.
  await Bun.sleep(1)
  expect(served).toEqual([])
  expect(short).toBe(2)
  budget.give(6)
  await Promise.all([big, small])
  expect(served).toEqual(['big', 'small'])
  expect(budget.tryTake(1)).toBe(true)
  expect(budget.tryTake(1)).toBe(false)
})

test('yielding waiters are served after all others', async () => {
  const budget = createByteBudget(10)
  await budget.take(8)
  const served: string[] = []
  const giant = budget.take(10, undefined, true).then(() => served.push('giant'))
  const small = budget.take(1, undefined, true).then(() => served.push('small'))
  await budget.take(2)
  const urgent = budget.take(3).then(() => served.push('urgent'))
  budget.give(2)
  budget.give(8)
  await urgent
  expect(served).toEqual(['urgent'])
  budget.give(3)
  await giant
  budget.give(10)
  await small
  expect(served).toEqual(['urgent', 'giant', 'small'])
})

test('a request larger than the budget takes the whole budget', async () => {
  const budget = createByteBudget(10)
  await budget.take(50)
  expect(budget.tryTake(1)).toBe(false)
  budget.give(50)
  expect(budget.tryTake(10)).toBe(true)
})

test('an aborted waiter unblocks the waiters behind it', async () => {
  const budget = createByteBudget(10)
  await budget.take(5)
  const leaving = new AbortController()
  const left = budget.take(10, leaving.signal)
  const behind = budget.take(5)
  leaving.abort(new Error('gone'))
  await expect(left).rejects.toThrow('gone')
  await behind
  expect(budget.tryTake(1)).toBe(false)
  await expect(budget.take(1, AbortSignal.abort(new Error('never came')))).rejects.toThrow('never came')
})
