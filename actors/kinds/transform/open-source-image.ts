import { closeSync, fstatSync, openSync, readFileSync, readSync, statSync } from 'node:fs'
import { Fault } from '@pixelflow/core/fault'
import { sniffFormat, sniffBytes, type FormatId } from '@pixelflow/core/format'
import type { SourceMetadata } from '@pixelflow/core/recipe/plan-renderings'
import sharp, { type Metadata, type SharpOptions } from 'sharp'
import { maxSvgBytes } from '@pixelflow/core/svg'
import { mapVipsError } from './map-vips-error.ts'
import { allowDecoders } from './allow-decoders.ts'
import { prepare } from './formats/prepare.ts'
import type { Preparation } from './formats/preparation.ts'
import { hasBrokenProfile, withoutProfile } from './metadata/icc-profile.ts'
import { noCost, type DrawingCost } from './svg/drawing-cost.ts'
import { svgTooLarge } from './svg/svg-limits.ts'
import { openSvg } from './svg/open-svg.ts'

/** A picture file that was looked at: the decoder takes it, and its size is within bounds. Nothing is decoded yet. */
export interface SourceImage {
  /** What decoders read: the path of its file, or all of a short one. */
  readonly input: string | Buffer
  /** The file as it came, as far as decoders take it: what it says about the picture is in it. */
  readonly file: string | Buffer
  readonly format: FormatId
  readonly metadata: SourceMetadata & Pick<Metadata, 'exif' | 'xmp' | 'icc'>
  /** Pixels that it, and every picture made of it, may have at most. */
  readonly maxPixels: number
  readonly cost: DrawingCost
  /** How it is opened. */
  readonly reading: SharpOptions
}

/**
 * How any picture is opened: damaged ones are refused instead of filled up with grey, but for blemishes that decoders
 * only warn about, since many cameras write such files; of moving pictures the first frame is taken.
 */
function reading(maxPixels: number, failOn: Preparation['failOn'] = 'error'): SharpOptions {
  return { failOn, limitInputPixels: maxPixels, sequentialRead: true, pages: 1 }
}

/**
 * Looks at a picture; from here on this process has no other decoder than that of its format. An SVG is made safe
 * before its decoder is switched on.
 * @throws Fault `unsupported_format` when the bytes are not of the stated format, `too_many_pixels` when the header
 * promises more than is allowed, `corrupt_image` when the decoder does not take the file.
 * Encodings that the decoder lacks are `unsupported_format`, too.
 */
export async function openSourceImage(
  path: string,
  stated: FormatId,
  maxPixels: number,
): Promise<SourceImage> {
  const { head, input } = look(path)
  const format = sniffFormat(head)
  if (format !== stated) throw mistaken(stated)
  const drawing = format === 'svg' ? await openSvg(wholeOf(path, input), maxPixels) : undefined
  const preparation = prepare(format, input)
  allowDecoders([format])
  const options = reading(maxPixels, preparation.failOn)
  const opened = drawing?.file ?? preparation.input ?? input
  const metadata = await metadataOf(opened, options, preparation.reason)
  if (loaderOf(metadata) !== format) throw mistaken(stated)
  checkFrames(metadata, format, maxPixels)
  const cost = drawing?.cost ?? noCost
  const file = preparation.input ?? input
  const source = { input: opened, file, format, metadata, maxPixels, cost, reading: options }
  if (drawing !== undefined) return { ...source, metadata: { ...metadata, isVector: true } }
  // sharp treats values of 16 bits as converted even when the profile could not be used.
  const isMistaken = metadata.space === 'rgb16' && hasBrokenProfile(source)
  return adjusted(isMistaken ? withoutProfile(source) : source, metadata, preparation)
}

async function metadataOf(
  input: string | Buffer,
  options: SharpOptions,
  reason: Fault | undefined,
): Promise<Metadata> {
  try {
    return await sharp(input, options).metadata()
  } catch (error) {
    throw explained(error, 'open', reason)
  }
}

/** The source with what is to be decoded instead of it, or decoded where its decoder's pixels have to be put right. */
async function adjusted(
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
    // What is not whole cannot be written.
    const whole = hasBrokenProfile(source) ? described : described.keepIccProfile()
    const input = await whole.png({ compressionLevel: 0 }).toBuffer()
    const options = reading(source.maxPixels)
    return { ...source, input, reading: options, metadata: await sharp(input, options).metadata() }
  } catch (error) {
    throw explained(error, 'render', reason)
  }
}

/** Of a file that its decoder calls damaged, the reason where that is known. */
function explained(error: unknown, doing: 'open' | 'render', reason: Fault | undefined): Fault {
  const fault = mapVipsError(error, doing)
  return reason !== undefined && fault.code === 'corrupt_image' ? reason : fault
}

/** A drawing is read whole before anybody else sees any of it. */
function wholeOf(path: string, input: string | Buffer): Buffer {
  if (typeof input !== 'string') return input
  if (statSync(path).size > maxSvgBytes) throw svgTooLarge()
  return readFileSync(path)
}

/** Frames, or pages, that a file may have. */
export const maxFrames = 5000
/** Pixels that all frames of an animation may have together, as a multiple of what one picture may have. */
const animationFactor = 10

/**
 * Only the first frame is decoded, but finding out how many there are takes its time already, and what is large without
 * measure is meant to be. Pages of a TIFF have sizes of their own, so these are only counted.
 */
function checkFrames({ width, height, pages = 1 }: Metadata, format: FormatId, maxPixels: number): void {
  const remedy = 'Send a shorter animation, or its first frame alone.'
  if (pages > maxFrames) {
    throw new Fault('too_many_pixels', `The image has ${pages} frames, and ${maxFrames} are allowed.`, {
      remedy,
    })
  }
  const most = animationFactor * maxPixels
  if (format === 'tiff' || pages * width * height <= most) return
  throw new Fault(
    'too_many_pixels',
    `The ${pages} frames of ${width}×${height} have more than ${most} pixels together.`,
    { remedy },
  )
}

/** The format whose decoder sharp has chosen, in our words. */
function loaderOf({ format, compression }: Metadata): string {
  return format === 'heif' && compression === 'av1' ? 'avif' : format
}

function mistaken(stated: FormatId): Fault {
  return new Fault(
    'unsupported_format',
    `The content of the file is not ${stated.toUpperCase()}, as it seemed to be.`,
    {
      remedy: 'Save the image in an ordinary way and upload it again.',
    },
  )
}

/** Decoders take short files sooner from memory than piece by piece. */
const shortBytes = 1024 * 1024

/** Reads the first bytes, or all. Read where we are: it lies in memory, and a way to another thread costs more. */
function look(path: string): { head: Uint8Array; input: string | Buffer } {
  const file = openSync(path, 'r')
  try {
    const { size } = fstatSync(file)
    const bytes = Buffer.allocUnsafeSlow(size <= shortBytes ? size : sniffBytes)
    const read = bytes.subarray(0, readSync(file, bytes, 0, bytes.length, 0))
    return { head: read.subarray(0, sniffBytes), input: size <= shortBytes ? read : path }
  } finally {
    closeSync(file)
  }
}
