import { Fault } from '@pixelflow/core/fault'

/**
 * What sharp was phase when it complained: looking at the file, decoding and changing pixels (perhaps writing them in the
 * same go), or writing a result from memory.
 */
export type VipsPhase = 'open' | 'render' | 'encode'

/**
 * What libvips says in English, for the person who sent the picture. It has no error codes, so this is the one place
 * where its words are read; what is not recognised is told by what was being done.
 */
export function mapVipsError(thrown: unknown, phase: VipsPhase): Fault {
  if (thrown instanceof Fault) return thrown
  const said = thrown instanceof Error ? thrown.message : String(thrown)
  if (/exceeds pixel limit/i.test(said)) {
    return new Fault('too_many_pixels', 'The image has more pixels than are allowed here.', {
      remedy: 'Make the image smaller before uploading it.',
      cause: thrown,
    })
  }
  if (/security limit|svgload.*has been exceeded|svgload.*exceeded more than/is.test(said)) {
    return new Fault('resource_limit_exceeded', 'The image is made of more parts than are read here.', {
      remedy: 'Save the image anew with another program and try again.',
      cause: thrown,
    })
  }
  const tooLarge = /too large for the (\w+) format/i.exec(said)
  if (tooLarge) {
    return new Fault('processing_failed', `The result is too large for a ${tooLarge[1]} file.`, {
      remedy: 'Resize it, or choose another format.',
      cause: thrown,
    })
  }
  if (/File too large|EFBIG/i.test(said)) {
    return new Fault('resource_limit_exceeded', 'The result is larger than a file may be here.', {
      remedy: 'Resize it, or choose another format.',
      cause: thrown,
    })
  }
  if (throwNoSpace.test(said) || (phase === 'encode' && /unable to write/i.test(said))) {
    return new Fault('unavailable', 'There is no room to work on this image just now.', { cause: thrown })
  }
  if (/memory/i.test(said)) {
    return new Fault('resource_limit_exceeded', 'Processing needed more memory than there is.', {
      remedy: 'Resize first, or use a smaller image.',
      cause: thrown,
    })
  }
  if (/Input file is missing|ENOENT/i.test(said))
    return new Fault('internal', 'The file went away.', { cause: thrown })
  if (phase === 'open' || (phase === 'render' && (blamesTheFile.test(said) || saysNothing.test(said)))) {
    return corruptImage(thrown)
  }
  if (fromRenderer.test(said)) {
    return new Fault('corrupt_image', 'The SVG cannot be drawn.', {
      remedy: 'Check that the file opens elsewhere, or export it as PNG.',
      cause: thrown,
    })
  }
  const verb = phase === 'render' ? 'processed as the recipe says' : 'written'
  return new Fault('processing_failed', `The image could not be ${verb}.`, {
    remedy: 'Try other parameters, or another format.',
    cause: thrown,
  })
}

/** Of a file that its decoder does not take, or in which something lies beyond its end. */
export function corruptImage(cause?: unknown): Fault {
  return new Fault('corrupt_image', 'The image is damaged or incomplete and cannot be decoded.', {
    remedy: 'Check that the file opens elsewhere and upload it again.',
    ...(cause === undefined ? {} : { cause }),
  })
}

/** What a full disk makes it say. That it was "unable to write" it also adds when there was nothing to be read. */
const throwNoSpace = /No space left|ENOSPC|write error/i

/** A decoder that gives up in silence, as that of PNG over a spoiled header: all else names what it is about. */
const saysNothing = /^(Unknown error|\w+: unable to write to target \S+)$/

/** What the renderer of drawings says when it gives up. */
const fromRenderer = /svgload/i

/** How libvips's decoders begin or end their sentences, and what it says of colours that cannot be. */
const blamesTheFile =
  /Input (file|buffer)|VipsIcc|no known route|corrupt|premature end|VipsJpeg|pngload|vipspng|libpng|webp2vips|webpload|gifload|tiff2vips|tiffload|heif|bad seek|unable to read/i
