import { expect, test } from 'bun:test'
import { createBoundedQueue } from './bounded-queue.ts'

test('messages are read in order, then the iteration ends', async () => {
  const queue = createBoundedQueue<number>(10)
  queue.put(1)
  setTimeout(() => {
    queue.put(2)
    queue.put(0)
    queue.close()
  }, 5)
  expect(await Array.fromAsync(queue)).toEqual([1, 2, 0])
  expect(queue.put(3)).toBe(false)
})

test('a full queue accepts no message until one is read', async () => {
  const queue = createBoundedQueue<number>(2)
  expect([1, 2, 3].map((value) => queue.put(value))).toEqual([true, true, false])
  const reader = queue[Symbol.asyncIterator]()
  expect((await reader.next()).value).toBe(1)
  expect(queue.put(4)).toBe(true)
})
