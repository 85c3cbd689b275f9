import { expect, test } from 'bun:test'
import { createAxis, roundUp } from './axis.ts'

test('a linear axis begins at 0 and has round ticks', () => {
  const axis = createAxis([45, 122])
  expect(axis.isLogarithmic).toBe(false)
  expect(axis.ticks).toEqual([0, 50, 100, 150])
  expect([0, 75, 150].map(axis.place)).toEqual([0, 0.5, 1])
  expect(createAxis([0.3]).ticks).toEqual([0, 0.1, 0.2, 0.3])
  expect(createAxis([]).ticks.at(-1)).toBe(1)
})

test('values of more than two decades have a logarithmic axis', () => {
  const axis = createAxis([0.417, 122])
  expect(axis.isLogarithmic).toBe(true)
  expect(axis.ticks).toEqual([0.2, 0.5, 1, 2, 5, 10, 20, 50, 100, 200])
  expect([axis.place(0.2), axis.place(200)]).toEqual([0, 1])
  expect(createAxis([1, 1e6]).ticks).toEqual([1, 10, 100, 1000, 10_000, 100_000, 1_000_000])
})

test('zero has no place on a logarithmic axis, so the axis stays linear', () => {
  expect(createAxis([0, 500]).isLogarithmic).toBe(false)
})

test('numbers are rounded up to 1, 2 or 5 times a power of ten', () => {
  expect([0.11, 1, 3, 6, 70].map(roundUp)).toEqual([0.2, 1, 5, 10, 100])
})
