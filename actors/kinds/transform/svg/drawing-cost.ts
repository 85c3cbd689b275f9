import { Fault } from '@pixelflow/core/fault'
import type { SvgSize } from '@pixelflow/core/svg'
import { svgLimits, svgLimitExceeded } from './svg-limits.ts'

/** What drawing takes beside its elements, whatever the size. */
export interface DrawingCost {
  /** How often it goes over all pixels. */
  readonly layers: number
  /** How many pictures as large as the whole it holds at once. */
  readonly canvases: number
  /** What drawing its lines takes for each row of pixels, and whatever the size, in steps of about 1 ns. */
  readonly perRow: number
  readonly fixed: number
}

/** Of a picture that is none. */
export const noCost: DrawingCost = { layers: 0, canvases: 0, perRow: 0, fixed: 0 }

/** As many pixels a side as the renderer draws. */
const longestSide = 32_767
/** The renderer goes over the whole picture for each of the tiles it draws, which have so many pixels a side. */
const tileSide = 2000

/** What a filter takes that goes over next to nothing, in pixels that it could have gone over: about 0.2 ms. */
const pixelsPerLayer = 2000

/** @throws Fault `too_many_pixels` when a drawing is larger than may be. */
export function requireDrawingSize({ width, height }: SvgSize, maxPixels: number): void {
  const pixels = width * height
  if (pixels > maxPixels || width > longestSide || height > longestSide) {
    throw new Fault(
      'too_many_pixels',
      `The SVG would be drawn at ${width} × ${height} pixels, and at most ${maxPixels} in all and ${longestSide} a side are allowed.`,
      { remedy: 'Choose a smaller size.' },
    )
  }
}

/**
 * @throws Fault `too_many_pixels` when a drawing is larger than may be, `resource_limit_exceeded` when filters would have to go over
 * or hold more pixels than may be, or its lines take too long.
 */
export function requireDrawable(size: SvgSize, cost: DrawingCost, maxPixels: number): void {
  requireDrawingSize(size, maxPixels)
  const { width, height } = size
  if (hasTooManyLayers(size, cost))
    throw svgLimitExceeded(`has more filters and layers than are allowed at ${width} × ${height} pixels`)
  if (hasTooManyLines(size, cost))
    throw svgLimitExceeded(
      `has more overlapping lines or dashes than are allowed at ${width} × ${height} pixels`,
    )
}

/** Whether it is drawn at that size in passable time. */
export function isDrawable(size: SvgSize, cost: DrawingCost): boolean {
  return !hasTooManyLayers(size, cost) && !hasTooManyLines(size, cost)
}

function hasTooManyLayers({ width, height }: SvgSize, cost: DrawingCost): boolean {
  const pixels = width * height
  const tiles = Math.ceil(width / tileSide) * Math.ceil(height / tileSide)
  const layerPixels = (pixels * tiles + pixelsPerLayer) * cost.layers
  return layerPixels > svgLimits.layerPixels || pixels * cost.canvases > svgLimits.canvasPixels
}

/** A drawing may be turned, so its longer side counts. */
function hasTooManyLines({ width, height }: SvgSize, { perRow, fixed }: DrawingCost): boolean {
  return perRow * Math.max(width, height) + fixed > svgLimits.lineSteps
}

/** Pixels up to which it may surely be drawn, in one tile. */
export function drawablePixels({ layers, canvases, perRow, fixed }: DrawingCost): number {
  // Of a drawing twice as wide as high, or the other way round.
  const lined = perRow > 0 ? ((svgLimits.lineSteps - fixed) / perRow) ** 2 / 2 : Number.POSITIVE_INFINITY
  if (layers === 0) return lined
  const layered = Math.max(1, svgLimits.layerPixels / layers - pixelsPerLayer)
  return Math.min(lined, layered, svgLimits.canvasPixels / canvases, tileSide ** 2)
}
