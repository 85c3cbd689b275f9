import { expect, test } from 'bun:test'
import { bytesOf, cut, inPieces, joined } from './pieces.ts'

const parts = [[], [1, 2, 3], [4], [], [5, 6, 7, 8]].map((values) => Uint8Array.from(values))
const all = [1, 2, 3, 4, 5, 6, 7, 8]
const plain = (some: readonly Uint8Array[]) => some.flatMap((part) => [...part])

test('parts are cut into pieces of any size, and come together again', () => {
  for (let size = 1; size <= 9; size += 1) {
    const pieces = [...inPieces(parts, size)]
    expect(pieces.flatMap(plain)).toEqual(all)
    expect(pieces.slice(0, -1).every((piece) => bytesOf(piece) === size)).toBe(true)
    expect(bytesOf(pieces.at(-1) ?? [])).toBeGreaterThan(0)
  }
  expect([...inPieces([], 3)]).toEqual([])
  expect([...joined(parts)]).toEqual(all)
  expect(joined([]).length).toBe(0)
})

test('the front is cut off wherever it ends', () => {
  for (let count = 0; count <= 8; count += 1) {
    const { front, rest } = cut(parts, count)
    expect([...front]).toEqual(all.slice(0, count))
    expect(plain(rest)).toEqual(all.slice(count))
  }
  expect(() => cut(parts, 9)).toThrow(RangeError)
})

test('nothing is copied that need not be', () => {
  const whole = Uint8Array.from(all)
  expect(joined([whole])).toBe(whole)
  expect(cut([whole], 3).front.buffer).toBe(whole.buffer)
  for (const [part] of inPieces([whole], 3)) expect(part?.buffer).toBe(whole.buffer)
})
