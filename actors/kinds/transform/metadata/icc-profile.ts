import { Fault } from '@pixelflow/core/fault'
import type { FormatParams } from '@pixelflow/core/operations/format'
import type { SourceImage } from '../open-source-image.ts'

/** Colours that a profile may be made for, as its header names them. */
const spaces: ReadonlySet<string> = new Set(['RGB ', 'GRAY', 'CMYK'])
const connections: ReadonlySet<string> = new Set(['XYZ ', 'Lab '])
/** Classes of profiles that say what the colours of a picture are: of displays, scanners, printers, colour spaces. */
const classes: ReadonlySet<string> = new Set(['mntr', 'scnr', 'prtr', 'spac'])

const headerBytes = 128
const tagBytes = 12
const mostTags = 1000

/**
 * Whether a colour profile is whole: what its header says agrees with its bytes, and all its parts are in it. Writers
 * hold themselves to this in different ways (libpng refuses the file, others write the broken profile on), so it is
 * looked at before any of them.
 */
export function isSoundProfile(profile: Buffer): boolean {
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
    count <= mostTags &&
    headerBytes + 4 + count * tagBytes <= profile.length &&
    Array.from({ length: count }, (_, i) => headerBytes + 4 + i * tagBytes).every((at) => {
      const [start, length] = [profile.readUInt32BE(at + 4), profile.readUInt32BE(at + 8)]
      return start >= headerBytes + 4 && length > 0 && start + length <= profile.length
    })
  )
}

/** The same picture, its colours taken as sRGB. */
export function withoutProfile(source: SourceImage): SourceImage {
  const { metadata, reading } = source
  return { ...source, reading: { ...reading, ignoreIcc: true }, metadata: { ...metadata, hasProfile: false } }
}

/** Whether it has a profile that cannot be kept. */
export function hasBrokenProfile({ reading, metadata: { icc } }: SourceImage): boolean {
  return reading.ignoreIcc === true || (icc !== undefined && !isSoundProfile(icc))
}

/** How a result is written: a profile that is not whole cannot be kept, so the colours are converted. */
export function keepable<P extends Pick<FormatParams, 'colorspace'>>(params: P, source: SourceImage): P {
  return hasBrokenProfile(source) ? { ...params, colorspace: 'srgb' } : params
}

/**
 * Does work on a picture; once more without its profile when the picture seems damaged with it. A profile can be broken
 * in ways that only its user finds.
 */
export async function despiteProfile<T>(
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
