import { Fault } from '@pixelflow/core/fault'
import type { SvgSize } from '@pixelflow/core/svg'
import { svgLimits, svgLimitExceeded } from './svg-limits.ts'

/** Rendering cost beside the number of elements, independent of the size. */
export interface DrawingCost {
  /** Number of full-image passes. */
  readonly layers: number
  /** Number of full-size buffers held at once. */
  readonly canvases: number
  /** Steps of line rendering for each row of pixels, and independent of the size, of about 1 ns each. */
  readonly perRow: number
  readonly fixed: number
}

/** The cost of a raster image. */
export const noCost: DrawingCost = { layers: 0, canvases: 0, perRow: 0, fixed: 0 }

/** Limit of the renderer for a side, in pixels. */
const longestSide = 32_767
/** libvips renders an SVG in tiles of this side, in pixels, and filters process the whole image for each tile. */
const tileSide = 2000

/** Fixed cost of a filter, as a number of processed pixels: about 0.2 ms. */
const pixelsPerLayer = 2000

/** @throws Fault `too_many_pixels` when a drawing is larger than the limit. */
export function requireDrawingSize({ width, height }: SvgSize, maxPixels: number): void {
  const pixels = width * height
  if (pixels > maxPixels || width > longestSide || height > longestSide) {
    throw new Fault(
      'too_many_pixels',
      `The SVG would be rendered at ${width} × ${height} pixels; at most ${maxPixels} in total and ${longestSide} per side are allowed.`,
      { remedy: 'Choose a smaller size.' },
    )
  }
}

/**
 * @throws Fault `too_many_pixels` when a drawing is larger than the limit, `resource_limit_exceeded` when its filters
 * process or hold too many pixels, or when its lines take too long.
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

/** Whether the cost at a size is within the limits. */
export function isDrawable(size: SvgSize, cost: DrawingCost): boolean {
  return !hasTooManyLayers(size, cost) && !hasTooManyLines(size, cost)
}

function hasTooManyLayers({ width, height }: SvgSize, cost: DrawingCost): boolean {
  const pixels = width * height
  const tiles = Math.ceil(width / tileSide) * Math.ceil(height / tileSide)
  const layerPixels = (pixels * tiles + pixelsPerLayer) * cost.layers
  return layerPixels > svgLimits.layerPixels || pixels * cost.canvases > svgLimits.canvasPixels
}

/** The longer side counts, since the drawing may be rotated. */
function hasTooManyLines({ width, height }: SvgSize, { perRow, fixed }: DrawingCost): boolean {
  return perRow * Math.max(width, height) + fixed > svgLimits.lineSteps
}

/** Number of pixels up to which rendering is within the limits, in one tile. */
export function computeDrawablePixels({ layers, canvases, perRow, fixed }: DrawingCost): number {
  // For an aspect ratio of 2:1 or less.
  const lined = perRow > 0 ? ((svgLimits.lineSteps - fixed) / perRow) ** 2 / 2 : Number.POSITIVE_INFINITY
  if (layers === 0) return lined
  const layered = Math.max(1, svgLimits.layerPixels / layers - pixelsPerLayer)
  return Math.min(lined, layered, svgLimits.canvasPixels / canvases, tileSide ** 2)
}
