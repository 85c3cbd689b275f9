import { expect, test } from 'bun:test'
import { createMessageQueue } from './message-queue.ts'

test('what was put in comes out in order, and the end after it', async () => {
  const inbox = createMessageQueue<number>(10)
  inbox.put(1)
  setTimeout(() => {
    inbox.put(2)
    inbox.put(0)
    inbox.close()
  }, 5)
  expect(await Array.fromAsync(inbox)).toEqual([1, 2, 0])
  expect(inbox.put(3)).toBe(false)
})

test('no more is taken than may wait', async () => {
  const inbox = createMessageQueue<number>(2)
  expect([1, 2, 3].map((value) => inbox.put(value))).toEqual([true, true, false])
  const reader = inbox[Symbol.asyncIterator]()
  expect((await reader.next()).value).toBe(1)
  expect(inbox.put(4)).toBe(true)
})
