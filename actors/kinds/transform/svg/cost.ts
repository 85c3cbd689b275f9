import { Fault } from '@pixelflow/core/fault'
import type { SvgSize } from '@pixelflow/core/svg'
import { limits, tooMuch } from './limits.ts'

/** What drawing takes beside its elements, whatever the size. */
export interface DrawingCost {
  /** How often it goes over all pixels. */
  readonly layers: number
  /** How many pictures as large as the whole it holds at once. */
  readonly canvases: number
}

/** Of a picture that is none. */
export const noCost: DrawingCost = { layers: 0, canvases: 0 }

/** As many pixels a side as the renderer draws. */
const longestSide = 32_767
/** The renderer goes over the whole picture for each of the tiles it draws, which have so many pixels a side. */
const tileSide = 2000

/**
 * @throws Fault `too_many_pixels` when a drawing is larger than may be, `out_of_bounds` when filters would have to go over
 * or hold more pixels than may be.
 */
export function demandDrawable({ width, height }: SvgSize, cost: DrawingCost, maxPixels: number): void {
  const pixels = width * height
  if (pixels > maxPixels || width > longestSide || height > longestSide) {
    throw new Fault(
      'too_many_pixels',
      `The SVG would be drawn at ${width} × ${height} pixels; ${maxPixels} in all, and ${longestSide} a side, are allowed.`,
      { remedy: 'Choose a smaller size.' },
    )
  }
  const tiles = Math.ceil(width / tileSide) * Math.ceil(height / tileSide)
  if (pixels * tiles * cost.layers > limits.layerPixels || pixels * cost.canvases > limits.canvasPixels)
    throw tooMuch(`has more filters and layers than are drawn at ${width} × ${height} pixels`)
}

/** Pixels up to which it may surely be drawn, in one tile. */
export function drawablePixels({ layers, canvases }: DrawingCost): number {
  if (layers === 0) return Number.POSITIVE_INFINITY
  return Math.min(limits.layerPixels / layers, limits.canvasPixels / canvases, tileSide ** 2)
}
