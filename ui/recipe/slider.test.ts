import { describe, expect, test } from 'bun:test'
import type { Range } from './field.ts'
import { sliderPosition, sliderSteps, roundBinary, sliderValue } from './slider.ts'

const linear: Range = { min: 0.3, max: 100, step: 0.1, log: false }
const wide: Range = { min: 1, max: 65_535, step: 1, log: true }

describe('a slider', () => {
  test('reaches both bounds exactly', () => {
    for (const range of [linear, wide]) {
      expect([sliderValue(0, range), sliderValue(sliderSteps, range)]).toEqual([range.min, range.max])
      expect([sliderPosition(range.min, range), sliderPosition(range.max, range)]).toEqual([0, sliderSteps])
    }
  })

  test('stays in its range and is monotonic', () => {
    for (const range of [linear, wide]) {
      let before = -Infinity
      for (let position = 0; position <= sliderSteps; position += 1) {
        const value = sliderValue(position, range)
        expect(value).toBeGreaterThanOrEqual(Math.max(before, range.min))
        expect(value).toBeLessThanOrEqual(range.max)
        before = value
      }
    }
  })

  test('gives round integers in a wide range, and many positions to small values', () => {
    const values = [100, 300, 500, 700, 900].map((position) => sliderValue(position, wide))
    expect(values).toEqual([3, 28, 260, 2400, 22_000])
  })

  test('gives sizes below one as many positions as sizes above a hundred', () => {
    const sigma: Range = { min: 0.3, max: 250, step: 0.1, log: true }
    const values = [0, 100, 250, 500, 750, 1000].map((position) => sliderValue(position, sigma))
    expect(values).toEqual([0.3, 1, 3.3, 15, 62, 250])
  })

  test('gives no binary rounding errors', () => {
    expect(sliderValue(1, { min: 0, max: 1, step: 0.1, log: false })).toBe(0)
    expect(sliderValue(300, { min: 0, max: 1, step: 0.1, log: false })).toBe(0.3)
    expect(roundBinary(0.1 + 0.2)).toBe(0.3)
  })

  test('clamps values outside its range', () => {
    expect([sliderPosition(-5, wide), sliderPosition(1e9, wide)]).toEqual([0, sliderSteps])
  })
})
