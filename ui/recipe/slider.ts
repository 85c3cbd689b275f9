import type { SliderRange } from './field.ts'

/** Number of positions of a slider. */
export const sliderSteps = 1000

/** The slider position of a value, 0 to 1000; values outside the range are clamped. */
export function toSliderPosition(value: number, { min, max, isLogarithmic }: SliderRange): number {
  const share = isLogarithmic
    ? Math.log1p(Math.max(value, min) - min) / Math.log1p(max - min)
    : (value - min) / (max - min)
  return Math.round(Math.min(Math.max(share, 0), 1) * sliderSteps)
}

/** The value of a slider position: a multiple of the range's step, rounded to a readable number on a log scale. */
export function toSliderValue(position: number, { min, max, step, isLogarithmic }: SliderRange): number {
  const share = position / sliderSteps
  if (share <= 0) return min
  if (share >= 1) return max
  const exact = isLogarithmic ? min + Math.expm1(share * Math.log1p(max - min)) : min + share * (max - min)
  const grain = isLogarithmic ? Math.max(step, 10 ** (Math.floor(Math.log10(exact)) - 1)) : step
  const round = Math.round(exact / grain) * grain
  return Math.min(Math.max(removeRoundingError(round), min), max)
}

/** Removes binary rounding errors: 0.30000000000000004 → 0.3. */
export function removeRoundingError(value: number): number {
  return Number(value.toPrecision(12))
}
