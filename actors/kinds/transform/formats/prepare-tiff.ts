import type { Fault } from '@pixelflow/core/fault'
import type { FileBytes } from './file-bytes.ts'
import type { Preparation } from './preparation.ts'
import { tiffLayoutOf, type TiffLayout } from './tiff-layout.ts'
import { unsupportedEncoding } from './unsupported-encoding.ts'

/** Compression schemes of the bundled libtiff. Measured with sharp 0.35.5, which has libtiff 4.7.2. */
const readable: ReadonlySet<number> = new Set([
  1, 2, 3, 4, 5, 7, 8, 32766, 32771, 32773, 32809, 32946, 34676, 34677, 50001,
])

const compressionNames: Readonly<Record<number, string>> = {
  6: 'old-style JPEG',
  9: 'JBIG',
  10: 'JBIG',
  32909: 'PixarLog',
  33003: 'JPEG 2000',
  33004: 'JPEG 2000',
  33005: 'JPEG 2000',
  34661: 'JBIG',
  34663: 'JBIG2',
  34712: 'JPEG 2000',
  34715: 'JBIG2',
  34887: 'LERC',
  34892: 'lossy raw JPEG',
  34925: 'LZMA',
  34933: 'PNG',
  50000: 'ZSTD',
  50002: 'JPEG XL',
  52546: 'JPEG XL',
}

const photometricNames: Readonly<Record<number, string>> = {
  4: 'a transparency mask',
  9: 'ICC Lab colours',
  10: 'ITU Lab colours',
  32803: 'raw sensor data',
  32844: 'LogL luminance',
  34892: 'linear raw data',
  51177: 'a depth map',
}

const photometric = {
  white: 0,
  black: 1,
  rgb: 2,
  palette: 3,
  ink: 5,
  yCbCr: 6,
  lab: 8,
  logLuv: 32845,
} as const
/** Number of colour channels; further channels are alpha and other masks. */
const colourChannels: Readonly<Record<number, number>> = { 0: 1, 1: 1, 2: 3, 3: 1, 5: 4, 6: 3, 8: 3 }
/** Limit of channels in sharp. */
const maxChannels = 5

/**
 * Checks how a TIFF is stored before it is decoded. libvips reports some unsupported encodings as damage and renders
 * others as black: tiles that cannot be decompressed, 32-bit integers, floating-point gray.
 * @throws Fault `unsupported_format` that names the encoding, `corrupt_image` when the directory is truncated.
 */
export function prepareTiff(bytes: FileBytes): Preparation {
  const layout = tiffLayoutOf(bytes)
  if (layout === undefined) return {}
  const reason = unsupportedIn(layout)
  if (reason !== undefined) throw notSupported(reason)
  const { samples, isTiled } = layout
  // libvips skips tiles that cannot be decompressed unless `failOn` is `warning`. In tiled files it raises no other
  // warnings.
  const failOn = isTiled ? { failOn: 'warning' as const } : {}
  const [bits] = layout.bits
  const [sampleFormat] = layout.sampleFormats
  // libvips does not scale 32-bit integers to 0…255.
  if (bits === 32 && sampleFormat !== 3) return { ...failOn, adjust: (image) => image.linear(2 ** -24, 0) }
  // Decoded to PNG, in which the first extra channel is alpha: sharp fails on raw pixels of five or six channels.
  const extra = samples - (colourChannels[layout.photometric] ?? samples)
  return extra > 1 ? { ...failOn, adjust: (image) => image } : failOn
}

/** The unsupported encoding, as in "TIFF with … is not supported"; undefined when none is known. */
function unsupportedIn(layout: TiffLayout): string | undefined {
  const { compression, samples, isPlanar, isTiled } = layout
  if (!readable.has(compression)) {
    const name = compressionNames[compression]
    return name === undefined ? `compression scheme ${compression}` : `${name} compression`
  }
  if (samples > maxChannels) return `${samples} channels (at most ${maxChannels} are read)`
  if (isPlanar && isTiled) return 'tiles that hold one channel each'
  if (new Set(layout.bits).size > 1) return `channels of different depths (${layout.bits.join(', ')} bits)`
  const [sampleFormat = 1] = layout.sampleFormats
  // SGI LogLuv states the sample format of its input, but is decoded to floating point.
  if (layout.photometric === photometric.logLuv && [34676, 34677].includes(compression)) return undefined
  if (sampleFormat === 2) return 'signed integers'
  if (sampleFormat > 4) return 'complex numbers'
  return unsupportedColours(layout, layout.bits[0] ?? 1, sampleFormat === 3)
}

function unsupportedColours(layout: TiffLayout, bits: number, isFloat: boolean): string | undefined {
  const { samples, photometric: kind } = layout
  const unlessBits = (...allowed: number[]) =>
    allowed.includes(bits) ? undefined : unsupportedDepth(samples, bits, isFloat)
  switch (kind) {
    case photometric.white:
    case photometric.black:
      // The file does not say which number is white; elevation and distance maps use this encoding too.
      if (isFloat) return 'floating point gray values'
      return samples === 1 ? unlessBits(1, 2, 4, 8, 16, 32) : unlessBits(8, 16)
    case photometric.palette:
      return isFloat || samples > 1 ? unsupportedDepth(samples, bits, isFloat) : unlessBits(1, 2, 4, 8, 16)
    case photometric.rgb:
      if (samples < 3) return `RGB colours in ${samples === 1 ? '1 channel' : '2 channels'}`
      if (isFloat) return unlessBits(16, 32)
      return samples === 3 ? unlessBits(8, 16, 32) : unlessBits(8, 16)
    case photometric.ink:
      if (samples < 4 || layout.inkSet !== 1) return 'inks other than CMYK'
      return isFloat ? unsupportedDepth(samples, bits, true) : unlessBits(8, 16)
    case photometric.yCbCr: {
      if (samples !== 3 || bits !== 8) return unsupportedDepth(samples, bits, isFloat)
      // libvips reads these as RGB.
      const isSubsampled = layout.chromaSubsampling.some((step) => step !== 1)
      return isSubsampled || layout.compression === 7 ? undefined : 'YCbCr colours without subsampling'
    }
    case photometric.lab:
      if (samples !== 3 || layout.isPlanar) return 'Lab colours in other than three interleaved channels'
      return (bits === 16 && !isFloat) || (bits === 32 && isFloat) ? undefined : `Lab colours of ${bits} bits`
    default:
      return photometricNames[kind] ?? `photometric interpretation ${kind}`
  }
}

function unsupportedDepth(samples: number, bits: number, isFloat: boolean): string {
  const depths = `${bits} ${bits === 1 ? 'bit' : 'bits'}${isFloat ? ' in floating point' : ''}`
  return samples === 1 ? `1 channel of ${depths}` : `${samples} channels of ${depths}`
}

function notSupported(reason: string): Fault {
  return unsupportedEncoding(
    `TIFF with ${reason} is not supported`,
    'Save it as RGB TIFF of 8 or 16 bits with LZW or Deflate compression, or as PNG, and upload it again.',
  )
}
