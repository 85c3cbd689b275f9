import { describe, expect, test } from 'bun:test'
import { createReceiveBuffer } from './receive-buffer.ts'
import { parse, print, printFrame, messageTypes, type SessionMessage } from './messages.ts'

const head = new TextEncoder().encode('"head"')
const bytes = (length: number) => Uint8Array.from({ length }, (_, i) => i & 255)
const frame = (number: number, size: number, piece = bytes(size)) =>
  parse(printFrame(number, head, size, [piece]))
const more = (number: number, piece: Uint8Array) => parse(print(messageTypes.more, number, [piece]))

function inflow(window = 4000) {
  const given: number[] = []
  const made = createReceiveBuffer(window, (some) => given.push(some))
  const take = (message: SessionMessage, size = 1000) => made.take(message, size)
  return { ...made, take, given, made }
}

describe('what is received', () => {
  test('is put together from its pieces', () => {
    const { take, made } = inflow()
    take(frame(1, 10, bytes(10).subarray(0, 4)))
    expect(made.shift()).toBeUndefined()
    take(more(2, bytes(10).subarray(4, 9)))
    take(more(3, bytes(10).subarray(9)))
    const { head, body, parts } = made.shift() ?? { head: null, body: bytes(0), parts: [] }
    expect([head, [...body], parts.length]).toEqual(['head', [...bytes(10)], 3])
    take(parse(print(messageTypes.finish, 4)))
    expect([made.isFinished, made.received]).toEqual([true, 4])
  })

  test.each([
    ['with a gap', [frame(1, 3), frame(3, 3)]],
    ['twice', [frame(1, 3), frame(1, 3)]],
    ['with a frame inside another', [frame(1, 9, bytes(3)), frame(2, 3)]],
    ['with the rest of nothing', [more(1, bytes(3))]],
    ['with more than was promised', [frame(1, 5, bytes(3)), more(2, bytes(3))]],
    ['after the end', [parse(print(messageTypes.finish, 1)), frame(2, 3)]],
    ['as a frame without end', [frame(1, 2 ** 31, bytes(3))]],
  ])('is refused %s', (_, messages) => {
    const { take } = inflow()
    expect(() => {
      for (const message of messages) take(message)
    }).toThrow()
  })
})

describe('room', () => {
  test('is given back as frames are read, a quarter of the window at a time', () => {
    const { take, made, given } = inflow()
    for (let i = 1; i <= 3; i += 1) take(frame(i, 3), 600)
    // The first was awaited by whoever reads next.
    expect(given).toEqual([])
    made.shift()
    made.shift()
    expect(given).toEqual([1200])
  })

  test('is given for a frame that nobody can read before it is whole', () => {
    const { take, given } = inflow()
    take(frame(1, 9, bytes(3)), 1000)
    take(more(2, bytes(3)), 1000)
    expect(given).toEqual([1000, 1000])
  })

  test('is not given for a frame behind one that is not read', () => {
    const { take, made, given } = inflow()
    take(frame(1, 3), 500)
    take(frame(2, 9, bytes(3)), 1500)
    expect(given).toEqual([])
    made.shift()
    expect(given).toEqual([2000])
  })

  test('is given at once for what is thrown away', () => {
    const { take, made, given } = inflow()
    take(frame(1, 3), 500)
    take(frame(2, 9, bytes(3)), 1500)
    made.discard()
    take(more(3, bytes(6)), 1000)
    expect(given.reduce((sum, one) => sum + one, 0)).toBe(3000)
    expect(made.shift()).toBeUndefined()
  })
})
