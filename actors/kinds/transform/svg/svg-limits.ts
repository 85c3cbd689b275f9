import { Fault } from '@pixelflow/core/fault'
import { maxSvgBytes } from '@pixelflow/core/svg'

/**
 * How much an SVG may hold. Far more than drawings have, and little enough that reading it, and drawing it as far as it
 * is known beforehand, is over in seconds; what is not known is bounded by the child's time and memory.
 */
export const svgLimits = {
  /** Elements one within the other. */
  depth: 128,
  /** Elements in the file. */
  elements: 100_000,
  /** Attributes of one element, and characters of one, but for what holds coordinates or a picture. */
  attributes: 200,
  attributeLength: 65_536,
  /** Elements drawn once every reference is followed, and the longest way through references. */
  drawn: 400_000,
  drawnDepth: 200,
  /** Characters of one text, as laying out a line takes time that grows with their square; and of all. */
  textLength: 5000,
  allTextLength: 200_000,
  /** Size of letters in pixels, and how many times the size around they may be; together less than 65,536. */
  fontSize: 10_000,
  fontGrowth: 6,
  /** Rules of style sheets, and elements looked at to find those that each is meant for, some 0.1 µs each. */
  rules: 5000,
  ruleLooks: 40_000_000,
  /** Embedded pictures, and their pixels together. */
  pictures: 500,
  picturePixels: 32_000_000,
  /** Filters and other things that go over all pixels again, in pixels; one such pixel takes about 0.1 µs. */
  layerPixels: 500_000_000,
  /** Pixels held at once for them, of 4 bytes each. */
  canvasPixels: 200_000_000,
  /** Steps of about 1 ns that drawing lines takes, of which each row of pixels takes as many again. */
  lineSteps: 5_000_000_000,
} as const

/** Too much of something: what a bomb looks like. */
export function svgLimitExceeded(what: string): Fault {
  return new Fault('resource_limit_exceeded', `The SVG ${what}.`, {
    remedy: 'Simplify the drawing, or export it as PNG.',
  })
}

/** The file is longer than is read. */
export function svgTooLarge(): Fault {
  return new Fault(
    'image_too_large',
    `The SVG is too large: at most ${maxSvgBytes / 2 ** 20} MiB are allowed.`,
    {
      remedy: 'Simplify the drawing, or take large pictures out of it.',
    },
  )
}

/** Something that a file that only wants to be seen has no use for. */
export function unsupportedSvg(what: string): Fault {
  return new Fault('unsupported_format', `The SVG ${what}.`, {
    remedy: 'Save it as plain SVG and upload it again.',
  })
}

export function corruptSvg(what: string, cause?: unknown): Fault {
  return new Fault('corrupt_image', `The SVG ${what}.`, {
    remedy: 'Check that the file opens elsewhere and upload it again.',
    ...(cause === undefined ? {} : { cause }),
  })
}
