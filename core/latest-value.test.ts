import { expect, test } from 'bun:test'
import { createLatestValue } from './latest-value.ts'

const never = new AbortController().signal

test('a new value replaces one that has not been taken', async () => {
  const newest = createLatestValue<number>()
  newest.put(1)
  newest.put(2)
  expect(await newest.take(never)).toBe(2)
  const waiting = newest.take(never)
  newest.put(3)
  newest.put(4)
  expect(await waiting).toBe(4)
})

test('after close, take returns the remaining value, then null', async () => {
  const newest = createLatestValue<number>()
  newest.put(1)
  newest.close()
  expect(await newest.take(never)).toBe(1)
  expect(await newest.take(never)).toBeNull()
  const empty = createLatestValue<number>()
  const waiting = empty.take(never)
  empty.close()
  expect(await waiting).toBeNull()
})

test('take rejects when its signal aborts', async () => {
  const newest = createLatestValue<number>()
  const leaving = new AbortController()
  const waiting = newest.take(leaving.signal).catch((error: unknown) => error)
  leaving.abort('gone')
  expect(await waiting).toBe('gone')
  newest.put(1)
  expect(await newest.take(never)).toBe(1)
})
