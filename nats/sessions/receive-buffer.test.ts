import { describe, expect, test } from 'bun:test'
import { createReceiveBuffer } from './receive-buffer.ts'
import { decodeMessage, encodeMessage, encodeFrame, messageTypes, type SessionMessage } from './messages.ts'

const head = new TextEncoder().encode('"head"')
const bytes = (length: number) => Uint8Array.from({ length }, (_, i) => i & 255)
const frame = (number: number, size: number, piece = bytes(size)) =>
  decodeMessage(encodeFrame(number, head, size, [piece]))
const continuation = (number: number, piece: Uint8Array) =>
  decodeMessage(encodeMessage(messageTypes.continuation, number, [piece]))

function bufferOf(window = 4000) {
  const updates: number[] = []
  const made = createReceiveBuffer(window, (some) => updates.push(some))
  const take = (message: SessionMessage, size = 1000) => made.receive(message, size)
  return { ...made, take, updates, made }
}

describe('a received frame', () => {
  test('is assembled from its messages', () => {
    const { take, made } = bufferOf()
    take(frame(1, 10, bytes(10).subarray(0, 4)))
    expect(made.shift()).toBeUndefined()
    take(continuation(2, bytes(10).subarray(4, 9)))
    take(continuation(3, bytes(10).subarray(9)))
    const { head, body, chunks } = made.shift() ?? { head: null, body: bytes(0), chunks: [] }
    expect([head, [...body], chunks.length]).toEqual(['head', [...bytes(10)], 3])
    take(decodeMessage(encodeMessage(messageTypes.finish, 4)))
    expect([made.isFinished, made.received]).toEqual([true, 4])
  })

  test.each([
    ['with a gap', [frame(1, 3), frame(3, 3)]],
    ['twice', [frame(1, 3), frame(1, 3)]],
    ['with a frame inside another', [frame(1, 9, bytes(3)), frame(2, 3)]],
    ['as a continuation without a beginning', [continuation(1, bytes(3))]],
    ['with more bytes than announced', [frame(1, 5, bytes(3)), continuation(2, bytes(3))]],
    ['after the end', [decodeMessage(encodeMessage(messageTypes.finish, 1)), frame(2, 3)]],
    ['with an excessive length', [frame(1, 2 ** 31, bytes(3))]],
  ])('is rejected %s', (_, messages) => {
    const { take } = bufferOf()
    expect(() => {
      for (const message of messages) take(message)
    }).toThrow()
  })
})

describe('the window', () => {
  test('is updated as frames are read, a quarter of it at a time', () => {
    const { take, made, updates } = bufferOf()
    for (let i = 1; i <= 3; i += 1) take(frame(i, 3), 600)
    // The first frame is counted when it is read.
    expect(updates).toEqual([])
    made.shift()
    made.shift()
    expect(updates).toEqual([1200])
  })

  test('is updated for a frame that is not complete yet', () => {
    const { take, updates } = bufferOf()
    take(frame(1, 9, bytes(3)), 1000)
    take(continuation(2, bytes(3)), 1000)
    expect(updates).toEqual([1000, 1000])
  })

  test('is not updated for a frame behind an unread one', () => {
    const { take, made, updates } = bufferOf()
    take(frame(1, 3), 500)
    take(frame(2, 9, bytes(3)), 1500)
    expect(updates).toEqual([])
    made.shift()
    expect(updates).toEqual([2000])
  })

  test('is updated at once for dropped frames', () => {
    const { take, made, updates } = bufferOf()
    take(frame(1, 3), 500)
    take(frame(2, 9, bytes(3)), 1500)
    made.discard()
    take(continuation(3, bytes(6)), 1000)
    expect(updates.reduce((sum, one) => sum + one, 0)).toBe(3000)
    expect(made.shift()).toBeUndefined()
  })
})
