import { Fault } from '@pixelflow/core/fault'
import { noScratchSpace } from './fetch-source.ts'

/**
 * What sharp was doing: reading the header, decoding and rendering (perhaps encoding in the same pipeline), or encoding
 * pixels from memory.
 */
export type VipsPhase = 'open' | 'render' | 'encode'

/**
 * Maps an error of libvips to a fault. Its errors have no codes (https://github.com/lovell/sharp/issues/562,
 * https://github.com/libvips/libvips/issues/5010), so this is the one place that parses its messages;
 * `map-vips-error.test.ts` fails when they have. An unknown message is mapped by the phase.
 */
export function mapVipsError(thrown: unknown, phase: VipsPhase): Fault {
  if (thrown instanceof Fault) return thrown
  const message = thrown instanceof Error ? thrown.message : String(thrown)
  if (/exceeds pixel limit/i.test(message)) {
    return new Fault('too_many_pixels', 'The image has more pixels than this service allows.', {
      remedy: 'Make the image smaller before the upload.',
      cause: thrown,
    })
  }
  if (/security limit|svgload.*has been exceeded|svgload.*exceeded more than/is.test(message)) {
    return new Fault('resource_limit_exceeded', 'The image has more parts than this service reads.', {
      remedy: 'Save the image again with another program and retry.',
      cause: thrown,
    })
  }
  const tooLarge = /too large for the (\w+) format/i.exec(message)
  if (tooLarge) {
    return new Fault('processing_failed', `The result is too large for a ${tooLarge[1]} file.`, {
      remedy: 'Resize it, or choose another format.',
      cause: thrown,
    })
  }
  if (/File too large|EFBIG/i.test(message)) {
    return new Fault('resource_limit_exceeded', 'The result file is larger than this service allows.', {
      remedy: 'Resize it, or choose another format.',
      cause: thrown,
    })
  }
  if (noSpace.test(message) || (phase === 'encode' && /unable to write/i.test(message))) {
    return noScratchSpace(thrown)
  }
  if (/memory/i.test(message)) {
    return new Fault('resource_limit_exceeded', 'Processing needed more memory than is available.', {
      remedy: 'Resize first, or use a smaller image.',
      cause: thrown,
    })
  }
  if (/Input file is missing|ENOENT/i.test(message)) {
    return new Fault('internal', 'The working copy of the image disappeared.', {
      remedy: 'Try again; if it persists, report the request id.',
      cause: thrown,
    })
  }
  if (phase === 'open' || (phase === 'render' && (decoderError.test(message) || noReason.test(message)))) {
    return corruptImage(thrown)
  }
  if (svgError.test(message)) {
    return new Fault('corrupt_image', 'The SVG cannot be rendered.', {
      remedy: 'Check that the file opens in another program, or export it as PNG.',
      cause: thrown,
    })
  }
  const detail =
    phase === 'render' ? 'The recipe could not be applied to the image.' : 'The result could not be encoded.'
  return new Fault('processing_failed', detail, {
    remedy: 'Try other parameters, or another format.',
    cause: thrown,
  })
}

/** The decoder rejects the file, or a part of it lies beyond its end. */
export function corruptImage(cause?: unknown): Fault {
  return new Fault('corrupt_image', 'The image is damaged or incomplete and cannot be decoded.', {
    remedy: 'Check that the file opens in another program and upload it again.',
    ...(cause === undefined ? {} : { cause }),
  })
}

/** A full disk. "unable to write" alone does not prove it: libvips also adds that after a failed read. */
const noSpace = /No space left|ENOSPC|write error/i

/** A decoder that gives no reason, e.g. the one of PNG after a damaged header. All other errors name their subject. */
const noReason = /^(Unknown error|\w+: unable to write to target \S+)$/

const svgError = /svgload/i

/** Prefixes and phrases of decoder errors, and errors about impossible colours. */
const decoderError =
  /Input (file|buffer)|VipsIcc|no known route|corrupt|premature end|VipsJpeg|pngload|vipspng|libpng|webp2vips|webpload|gifload|tiff2vips|tiffload|heif|bad seek|unable to read/i
