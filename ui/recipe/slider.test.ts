import { describe, expect, test } from 'bun:test'
import type { SliderRange } from './field.ts'
import { toSliderPosition, sliderSteps, removeRoundingError, toSliderValue } from './slider.ts'

const linear: SliderRange = { min: 0.3, max: 100, step: 0.1, isLogarithmic: false }
const wide: SliderRange = { min: 1, max: 65_535, step: 1, isLogarithmic: true }

describe('a slider', () => {
  test('reaches both bounds exactly', () => {
    for (const range of [linear, wide]) {
      expect([toSliderValue(0, range), toSliderValue(sliderSteps, range)]).toEqual([range.min, range.max])
      expect([toSliderPosition(range.min, range), toSliderPosition(range.max, range)]).toEqual([
        0,
        sliderSteps,
      ])
    }
  })

  test('stays in its range and is monotonic', () => {
    for (const range of [linear, wide]) {
      let before = -Infinity
      for (let position = 0; position <= sliderSteps; position += 1) {
        const value = toSliderValue(position, range)
        expect(value).toBeGreaterThanOrEqual(Math.max(before, range.min))
        expect(value).toBeLessThanOrEqual(range.max)
        before = value
      }
    }
  })

  test('gives round integers in a wide range, and many positions to small values', () => {
    const values = [100, 300, 500, 700, 900].map((position) => toSliderValue(position, wide))
    expect(values).toEqual([3, 28, 260, 2400, 22_000])
  })

  test('gives sizes below one as many positions as sizes above a hundred', () => {
    const sigma: SliderRange = { min: 0.3, max: 250, step: 0.1, isLogarithmic: true }
    const values = [0, 100, 250, 500, 750, 1000].map((position) => toSliderValue(position, sigma))
    expect(values).toEqual([0.3, 1, 3.3, 15, 62, 250])
  })

  test('gives no binary rounding errors', () => {
    expect(toSliderValue(1, { min: 0, max: 1, step: 0.1, isLogarithmic: false })).toBe(0)
    expect(toSliderValue(300, { min: 0, max: 1, step: 0.1, isLogarithmic: false })).toBe(0.3)
    expect(removeRoundingError(0.1 + 0.2)).toBe(0.3)
  })

  test('clamps values outside its range', () => {
    expect([toSliderPosition(-5, wide), toSliderPosition(1e9, wide)]).toEqual([0, sliderSteps])
  })
})
