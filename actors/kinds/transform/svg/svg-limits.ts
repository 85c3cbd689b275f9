import { Fault } from '@pixelflow/core/fault'
import { maxSvgBytes } from '@pixelflow/core/svg'

/**
 * Limits of an SVG. They are far above real drawings, and low enough that parsing and rendering take seconds as far as
 * the cost can be computed. The rest is limited by the time and memory of the worker.
 */
export const svgLimits = {
  /** Depth of nested elements. */
  depth: 128,
  /** Elements in the file. */
  elements: 100_000,
  /** Attributes of an element, and characters of an attribute that holds neither coordinates nor an image. */
  attributes: 200,
  attributeLength: 65_536,
  /** Rendered elements after all references are resolved, and the longest chain of references. */
  renderedElements: 400_000,
  drawnDepth: 200,
  /** Characters of one text, whose layout time grows with the square of its length; and of all texts. */
  textLength: 5000,
  allTextLength: 200_000,
  /** Font size in pixels, and its factor over the inherited size; together below 65,536. */
  fontSize: 10_000,
  fontGrowth: 6,
  /** Style rules, and tests of selectors against elements, of about 0.1 µs each. */
  rules: 5000,
  selectorTests: 40_000_000,
  /** Embedded images, and their pixels together. */
  images: 500,
  imagePixels: 32_000_000,
  /** Pixels that filters and layers process; each takes about 0.1 µs. */
  layerPixels: 500_000_000,
  /** Pixels that filters and layers hold at once, of 4 bytes each. */
  canvasPixels: 200_000_000,
  /** Steps of line rendering, of about 1 ns; each row of pixels costs as many again. */
  lineSteps: 5_000_000_000,
} as const

/** A limit was exceeded, as by a decompression bomb. */
export function svgLimitExceeded(what: string): Fault {
  return new Fault('resource_limit_exceeded', `The SVG ${what}.`, {
    remedy: 'Simplify the drawing, or export it as PNG.',
  })
}

/** The file exceeds the size limit. */
export function svgTooLarge(): Fault {
  return new Fault(
    'image_too_large',
    `The SVG is too large: at most ${maxSvgBytes / 2 ** 20} MiB are allowed.`,
    {
      remedy: 'Simplify the drawing, or remove large embedded images.',
    },
  )
}

/** The file uses a feature that images do not need. */
export function unsupportedSvg(what: string): Fault {
  return new Fault('unsupported_format', `The SVG ${what}.`, {
    remedy: 'Save it as plain SVG and upload it again.',
  })
}

export function corruptSvg(what: string, cause?: unknown): Fault {
  return new Fault('corrupt_image', `The SVG ${what}.`, {
    remedy: 'Check that the file opens in another program and upload it again.',
    ...(cause === undefined ? {} : { cause }),
  })
}
