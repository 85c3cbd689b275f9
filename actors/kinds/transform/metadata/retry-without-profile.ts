import { Fault } from '@pixelflow/core/fault'
import type { FormatParams } from '@pixelflow/core/operations/format'
import type { SourceImage } from '../open-source-image.ts'

/** Colour spaces of a profile's device side, as its header names them. */
const spaces: ReadonlySet<string> = new Set(['RGB ', 'GRAY', 'CMYK'])
const connections: ReadonlySet<string> = new Set(['XYZ ', 'Lab '])
/** Profile classes that describe the colours of an image: display, scanner, printer, colour space. */
const classes: ReadonlySet<string> = new Set(['mntr', 'scnr', 'prtr', 'spac'])

const headerBytes = 128
const tagBytes = 12
const maxTags = 1000

/**
 * Whether a colour profile is complete: its header matches its bytes, and all its tags are inside. Encoders differ in
 * how they handle a broken profile (libpng rejects the file, others write the profile), so it is checked before
 * encoding.
 */
function isValidProfile(profile: Buffer): boolean {
  if (profile.length < headerBytes + 4) return false
  const text = (at: number) => profile.toString('latin1', at, at + 4)
  const count = profile.readUInt32BE(headerBytes)
  return (
    profile.readUInt32BE(0) === profile.length &&
    (profile.readUInt8(8) < 4 || profile.length % 4 === 0) &&
    text(36) === 'acsp' &&
    classes.has(text(12)) &&
    spaces.has(text(16)) &&
    connections.has(text(20)) &&
    count > 0 &&
    count <= maxTags &&
    headerBytes + 4 + count * tagBytes <= profile.length &&
    Array.from({ length: count }, (_, i) => headerBytes + 4 + i * tagBytes).every((at) => {
      const [start, length] = [profile.readUInt32BE(at + 4), profile.readUInt32BE(at + 8)]
      return start >= headerBytes + 4 && length > 0 && start + length <= profile.length
    })
  )
}

/** The same image with its colours read as sRGB. */
export function withoutProfile(source: SourceImage): SourceImage {
  const { metadata, reading } = source
  return { ...source, reading: { ...reading, ignoreIcc: true }, metadata: { ...metadata, hasProfile: false } }
}

/** Whether the image has a profile that cannot be kept. */
export function hasBrokenProfile({ reading, metadata: { icc } }: SourceImage): boolean {
  return reading.ignoreIcc === true || (icc !== undefined && !isValidProfile(icc))
}

/** The format parameters of a result. A broken profile cannot be kept, so the colours are converted to sRGB. */
export function selectKeepableColours<P extends Pick<FormatParams, 'colorspace'>>(
  params: P,
  source: SourceImage,
): P {
  return hasBrokenProfile(source) ? { ...params, colorspace: 'srgb' } : params
}

/**
 * Runs work on an image, and again without its profile when the image seems damaged with it: some defects of a profile
 * show only in its use.
 */
export async function retryWithoutProfile<T>(
  source: SourceImage,
  work: (source: SourceImage) => Promise<T>,
): Promise<T> {
  try {
    return await work(source)
  } catch (thrown) {
    const seemsDamaged = thrown instanceof Fault && thrown.code === 'corrupt_image'
    if (!seemsDamaged || source.metadata.hasProfile !== true) throw thrown
    return await work(withoutProfile(source))
  }
}
