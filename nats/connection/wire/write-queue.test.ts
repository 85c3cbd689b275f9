import { expect, test } from 'bun:test'
import { createWriteQueue } from './write-queue.ts'

function open() {
  const written: Uint8Array[] = []
  const queue = createWriteQueue((bytes) => written.push(bytes))
  return { written, queue, text: () => written.map((bytes) => Buffer.from(bytes).toString()) }
}
/** The turn of the event loop in which the queue writes. */
const nextTurn = () => new Promise<void>((resolve) => setImmediate(resolve))

test('parts of one turn of the event loop are joined, in order', async () => {
  const { queue, text } = open()
  queue.add('PUB a 3\r\n')
  queue.add(Buffer.from('one'))
  await Promise.resolve()
  queue.add('\r\nPING\r\n')
  expect(text()).toEqual([])
  await nextTurn()
  expect(text()).toEqual(['PUB a 3\r\none\r\nPING\r\n'])
  queue.add('PONG\r\n')
  await nextTurn()
  expect(text().slice(1)).toEqual(['PONG\r\n'])
})

test('a flush writes at once, and nothing twice', async () => {
  const { queue, text } = open()
  queue.add('PING\r\n')
  queue.flush()
  queue.flush()
  await nextTurn()
  expect(text()).toEqual(['PING\r\n'])
})

test('large parts are written without copying, between what was added before and after', async () => {
  const { queue, written } = open()
  const large = new Uint8Array(100_000).fill(7)
  queue.add('PUB a 100000\r\n')
  queue.add(large)
  queue.add('\r\n')
  await nextTurn()
  expect(written.filter(({ buffer }) => buffer === large.buffer)).toHaveLength(1)
  expect(Buffer.concat(written)).toEqual(
    Buffer.concat([Buffer.from('PUB a 100000\r\n'), large, Buffer.from('\r\n')]),
  )
  expect(written.at(-1)?.length).toBeGreaterThan(100)
})

test('many small parts are written before the turn ends', () => {
  const { queue, written } = open()
  for (let i = 0; i < 100; i += 1) queue.add(new Uint8Array(1000))
  expect(written).not.toEqual([])
})
