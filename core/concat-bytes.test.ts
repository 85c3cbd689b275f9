import { expect, test } from 'bun:test'
import { totalLength, splitAt, rechunk, concatBytes } from './concat-bytes.ts'

const parts = [[], [1, 2, 3], [4], [], [5, 6, 7, 8]].map((values) => Uint8Array.from(values))
const all = [1, 2, 3, 4, 5, 6, 7, 8]
const plain = (some: readonly Uint8Array[]) => some.flatMap((part) => [...part])

test('rechunk splits parts into chunks of any size, and concatBytes joins them', () => {
  for (let size = 1; size <= 9; size += 1) {
    const pieces = [...rechunk(parts, size)]
    expect(pieces.flatMap(plain)).toEqual(all)
    expect(pieces.slice(0, -1).every((piece) => totalLength(piece) === size)).toBe(true)
    expect(totalLength(pieces.at(-1) ?? [])).toBeGreaterThan(0)
  }
  expect([...rechunk([], 3)]).toEqual([])
  expect([...concatBytes(parts)]).toEqual(all)
  expect(concatBytes([]).length).toBe(0)
})

test('splitAt splits within and between parts', () => {
  for (let count = 0; count <= 8; count += 1) {
    const { head, rest } = splitAt(parts, count)
    expect([...head]).toEqual(all.slice(0, count))
    expect(plain(rest)).toEqual(all.slice(count))
  }
  expect(() => splitAt(parts, 9)).toThrow(RangeError)
})

test('a single part is not copied', () => {
  const whole = Uint8Array.from(all)
  expect(concatBytes([whole])).toBe(whole)
  expect(splitAt([whole], 3).head.buffer).toBe(whole.buffer)
  for (const [part] of rechunk([whole], 3)) expect(part?.buffer).toBe(whole.buffer)
})
