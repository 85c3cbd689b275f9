import { describe, expect, test } from 'bun:test'
import { digestOf, locateChunks, objectInfo, withSequences } from './object-info.ts'

function objectOf(sequences: number[], size: number) {
  const metadata = withSequences({ a: 'b' }, sequences, true)
  const chunks = sequences.length
  return objectInfo.parse({
    name: 'x',
    bucket: 'y',
    nuid: 'z',
    size,
    chunks,
    metadata,
    options: { max_chunk_size: 10 },
  })
}

describe('locate', () => {
  const object = objectOf([5, 6, 7, 20, 31, 32], 55)

  test('formats runs of sequences briefly', () => {
    expect(object.metadata).toEqual({ a: 'b', 'pixelflow-chunks': '5-7,20,31-32' })
  })

  test.each([
    [0, 55, 0, '5x3 20x1 31x2'],
    [0, 1, 0, '5x1'],
    [9, 11, 0, '5x2'],
    [10, 20, 10, '6x1'],
    [25, 45, 20, '7x1 20x1 31x1'],
    [54, 55, 50, '32x1'],
  ])('finds the chunks of bytes %d to %d', (start, end, offset, expected) => {
    const location = locateChunks(object, start, end)
    expect(location.offset).toBe(offset)
    expect(location.runs?.map(({ seq, chunks }) => `${seq}x${chunks}`).join(' ')).toBe(expected)
  })

  test.each(['', 'x', '5-', '7-5,1-6', '5-6', '1-9999999'])('ignores invalid notes such as %p', (noted) => {
    const foreign = { ...object, metadata: { 'pixelflow-chunks': noted } }
    expect(locateChunks(foreign, 20, 30)).toEqual({ offset: 0 })
  })

  test('notes nothing where chunks are of different sizes', () => {
    expect(withSequences({}, [1, 2], false)).toEqual({})
  })
})

test('a digest is written in padded base64url', () => {
  expect(digestOf('ff'.repeat(32))).toBe('SHA-256=__________________________________________8=')
})
