import { closeSync, fstatSync, openSync, readFileSync, readSync, statSync } from 'node:fs'
import { Fault } from '@pixelflow/core/fault'
import { sniffFormat, sniffBytes, type FormatId } from '@pixelflow/core/format'
import type { SourceMetadata } from '@pixelflow/core/recipe/plan-renderings'
import sharp, { type Metadata, type SharpOptions } from 'sharp'
import { maxSvgBytes } from '@pixelflow/core/svg'
import { mapVipsError } from './map-vips-error.ts'
import { allowDecoders } from './allow-decoders.ts'
import { prepareFormat } from './formats/prepare-format.ts'
import type { Preparation } from './formats/preparation.ts'
import { hasBrokenProfile, withoutProfile } from './metadata/retry-without-profile.ts'
import { noCost, type DrawingCost } from './svg/drawing-cost.ts'
import { svgTooLarge } from './svg/svg-limits.ts'
import { openSvg } from './svg/open-svg.ts'

/**
 * An image file whose header was read: the decoder accepts it, and its size is within the limits. No pixel is decoded
 * yet.
 */
export interface SourceImage {
  /** Input of the decoder: the path, or the bytes of a small file. */
  readonly input: string | Buffer
  /** The original file as far as the decoder accepts it; its metadata is read from here. */
  readonly file: string | Buffer
  readonly format: FormatId
  readonly metadata: SourceMetadata & Pick<Metadata, 'exif' | 'xmp' | 'icc'>
  /** Pixel limit of the image and of every intermediate image. */
  readonly maxPixels: number
  readonly cost: DrawingCost
  /** Options of sharp. */
  readonly reading: SharpOptions
}

/**
 * Damaged images are rejected instead of filled with gray. Decoder warnings are accepted, because many cameras write
 * such files. Of an animation the first frame is decoded.
 */
function createReadOptions(maxPixels: number, failOn: Preparation['failOn'] = 'error'): SharpOptions {
  return { failOn, limitInputPixels: maxPixels, sequentialRead: true, pages: 1 }
}

/**
 * Reads the header of an image. From here on this process has only the decoder of its format. An SVG is sanitised
 * before its decoder is allowed.
 * @param source the path of the file, or its bytes
 * @throws Fault `unsupported_format` when the bytes are not of the stated format or the decoder lacks the encoding,
 * `too_many_pixels` when the header exceeds the limits, `corrupt_image` when the decoder rejects the file.
 */
export async function openSourceImage(
  source: string | Buffer,
  stated: FormatId,
  maxPixels: number,
): Promise<SourceImage> {
  const { head, input } =
    typeof source === 'string' ? readHead(source) : { head: source.subarray(0, sniffBytes), input: source }
  const format = sniffFormat(head)
  if (format !== stated) throw wrongFormat(stated)
  const drawing = format === 'svg' ? await openSvg(readWhole(input), maxPixels) : undefined
  const preparation = prepareFormat(format, input)
  allowDecoders([format])
  const options = createReadOptions(maxPixels, preparation.failOn)
  const opened = drawing?.file ?? preparation.input ?? input
  const { exif } = preparation
  const metadata = {
    ...(await metadataOf(opened, options, preparation.reason)),
    ...(exif === undefined ? {} : { exif }),
  }
  if (loaderOf(metadata) !== format) throw wrongFormat(stated)
  checkFrames(metadata, format, maxPixels)
  const cost = drawing?.cost ?? noCost
  const file = preparation.input ?? input
  const image = { input: opened, file, format, metadata, maxPixels, cost, reading: options }
  if (drawing !== undefined) return { ...image, metadata: { ...metadata, isVector: true } }
  // sharp treats 16-bit values as converted even when the profile could not be used.
  const isMisread = metadata.space === 'rgb16' && hasBrokenProfile(image)
  return applyPreparation(isMisread ? withoutProfile(image) : image, metadata, preparation)
}

async function metadataOf(
  input: string | Buffer,
  options: SharpOptions,
  reason: Fault | undefined,
): Promise<Metadata> {
  try {
    return await sharp(input, options).metadata()
  } catch (error) {
    throw replaceReason(error, 'open', reason)
  }
}

/** Applies the preparation of a format: replaces the input, or decodes it and corrects its pixels. */
async function applyPreparation(
  source: SourceImage,
  metadata: Metadata,
  { adjust, replace, reason }: Preparation,
): Promise<SourceImage> {
  const input = replace?.(metadata)
  if (input !== undefined)
    return { ...source, input, metadata: await metadataOf(input, source.reading, reason) }
  const image = adjust?.(sharp(source.input, source.reading), metadata)
  if (image === undefined) return source
  try {
    const described = image.keepExif().keepXmp()
    // A broken profile cannot be written.
    const whole = hasBrokenProfile(source) ? described : described.keepIccProfile()
    const input = await whole.png({ compressionLevel: 0 }).toBuffer()
    const options = createReadOptions(source.maxPixels)
    return { ...source, input, reading: options, metadata: await sharp(input, options).metadata() }
  } catch (error) {
    throw replaceReason(error, 'render', reason)
  }
}

/** Replaces a `corrupt_image` fault by the reason, where that is known. */
function replaceReason(error: unknown, doing: 'open' | 'render', reason: Fault | undefined): Fault {
  const fault = mapVipsError(error, doing)
  return reason !== undefined && fault.code === 'corrupt_image' ? reason : fault
}

/** An SVG is read completely, because it is sanitised before decoding. */
function readWhole(input: string | Buffer): Buffer {
  if (typeof input !== 'string') return input
  if (statSync(input).size > maxSvgBytes) throw svgTooLarge()
  return readFileSync(input)
}

/** Limit of frames or pages of a file. */
export const maxFrames = 5000
/** Limit of the pixels of all frames together, as a multiple of the limit of one image. */
const animationFactor = 10

/**
 * Only the first frame is decoded, but counting frames takes time, and a huge count is probably an attack. Pages of a
 * TIFF have different sizes, so only their number is limited.
 */
function checkFrames({ width, height, pages = 1 }: Metadata, format: FormatId, maxPixels: number): void {
  const remedy = 'Send a shorter animation, or its first frame alone.'
  if (pages > maxFrames) {
    throw new Fault('too_many_pixels', `The image has ${pages} frames; at most ${maxFrames} are allowed.`, {
      remedy,
    })
  }
  const most = animationFactor * maxPixels
  if (format === 'tiff' || pages * width * height <= most) return
  throw new Fault(
    'too_many_pixels',
    `The ${pages} frames of ${width}×${height} pixels exceed the limit of ${most} pixels together.`,
    { remedy },
  )
}

/** The format id of the loader that sharp has chosen. */
function loaderOf({ format, compression }: Metadata): string {
  return format === 'heif' && compression === 'av1' ? 'avif' : format
}

function wrongFormat(stated: FormatId): Fault {
  return new Fault(
    'unsupported_format',
    `The file starts like ${stated.toUpperCase()}, but its content is not ${stated.toUpperCase()}.`,
    {
      remedy: 'Save the image again with another program and upload it.',
    },
  )
}

/** Files up to this size are decoded from memory, which is faster. */
const maxMemoryBytes = 4 * 1024 * 1024
/**
 * Holds the file of the current work, of which there is one at a time: fresh memory costs more than the read. Needs
 * `sharp.cache(false)`, because the cache of libvips knows an input by its address.
 */
let fileMemory = Buffer.allocUnsafeSlow(0)

/**
 * Reads the first bytes of a large file, or all of a small one. Synchronous: the file is in the page cache, and a
 * thread switch would cost more.
 */
function readHead(path: string): { head: Uint8Array; input: string | Buffer } {
  const file = openSync(path, 'r')
  try {
    const { size } = fstatSync(file)
    const wanted = size <= maxMemoryBytes ? size : sniffBytes
    if (fileMemory.length < wanted) fileMemory = Buffer.allocUnsafeSlow(wanted)
    const read = fileMemory.subarray(0, readSync(file, fileMemory, 0, wanted, 0))
    return { head: read.subarray(0, sniffBytes), input: size <= maxMemoryBytes ? read : path }
  } finally {
    closeSync(file)
  }
}
