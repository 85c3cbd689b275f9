import { describe, expect, test } from 'bun:test'
import { outlineOf } from './outline.ts'

const path = (d: string) => outlineOf('path', (name) => (name === 'd' ? d : undefined))

describe('the outline of a path', () => {
  test.each([
    ['M0 0L3 4', 1, 5],
    ['m0 0 3 4h10v-5z', 4, 20],
    ['M0,0 3-4.5e1', 1, 45],
    ['M0 0 3-4 .5.5', 2, 9],
    ['M0 0C1 1 2 2 3 3', 3, 4],
    // Flags need no separator.
    ['M0 0a1 1 0 013 4', 2, 3],
    ['M0 0a1 1 0 0 1 3 4a1,1,0,11,3,4', 4, 6],
    // The path ends at the first error.
    ['M0 0L3 4L5', 1, 5],
    ['L', 0, 0],
  ])('%s', (d, segments, atLeast) => {
    const found = path(d)
    expect(found?.segments).toBe(segments)
    expect(found?.length).toBeGreaterThanOrEqual(atLeast)
  })

  test('counts the segments that cross one horizontal or vertical line', () => {
    expect(path(`M0 0${'L5 9L7 0'.repeat(50)}`)?.crossings).toBe(100)
    expect(path(`M0 0${'h9h-9'.repeat(50)}`)?.crossings).toBe(100)
    expect(path(`M0 0${'h9v9'.repeat(500)}`)?.crossings).toBeLessThanOrEqual(2)
  })
})

test('other shapes have an upper bound of their length', () => {
  const rect = outlineOf('rect', (name) => ({ width: '30', height: '-4' })[name])
  expect(rect?.length).toBeGreaterThanOrEqual(68)
  expect(outlineOf('polygon', () => '0 0 3 4 0 0')).toEqual({ segments: 2, crossings: 2, length: 10 })
  expect(outlineOf('g', () => '1')).toBeUndefined()
})
