import type { FormatId } from '@pixelflow/core/format'
import sharp, { type Exif } from 'sharp'

export interface SampleOptions {
  /** Pixels; default 640 × 480. */
  readonly width?: number
  readonly height?: number
  /** Default jpeg. */
  readonly format?: FormatId
  /** 1 to 100, for formats with a quality; default 80. */
  readonly quality?: number
  /** A transparent margin, in formats with transparency. */
  readonly alpha?: boolean
  /** EXIF orientation, 1 to 8. The pixels do not change. */
  readonly orientation?: number
  /** EXIF with a GPS position and a camera maker. */
  readonly gps?: boolean
  /** Equal seeds give equal images; default 1. */
  readonly seed?: number
  /** Strength of the grain, 0 to 64; default 24, with which a JPEG of 12 megapixels is about as large as that of a camera. */
  readonly noise?: number
}

/** A generated image that compresses like a photograph: wide gradients, edges and grain. */
export async function sampleImage(options: SampleOptions = {}): Promise<Uint8Array> {
  const { width = 640, height = 480, format = 'jpeg', quality = 80, orientation } = options
  if (format === 'svg') return new TextEncoder().encode(drawing(width, height, options))
  const channels = options.alpha ? 4 : 3
  let image = sharp(pixels(options, width, height, channels), { raw: { width, height, channels } })
  if (options.gps) image = image.withExif(gpsExif)
  if (orientation !== undefined) image = image.withMetadata({ orientation })
  return new Uint8Array(
    await image.toFormat(format, format === 'png' ? {} : { quality, effort: 1 }).toBuffer(),
  )
}

/** A similar image as an SVG: a gradient with discs. With transparency it has no gradient. */
function drawing(width: number, height: number, { seed = 1, alpha = false }: SampleOptions): string {
  const discs = Array.from({ length: 40 }, (_, i) => {
    const [x, y] = [(i * 37 + seed * 11) % 100, (i * 53 + seed * 7) % 100]
    return `  <circle cx="${x}%" cy="${y}%" r="${3 + (i % 7)}%" fill="hsl(${(i * 29 + seed * 40) % 360}, 70%, 50%)"/>`
  })
  const backdrop = alpha ? [] : ['  <rect width="100%" height="100%" fill="url(#ground)"/>']
  return [
    '<?xml version="1.0" encoding="UTF-8"?>',
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}">`,
    '  <linearGradient id="ground"><stop stop-color="#345"/><stop offset="1" stop-color="#fed"/></linearGradient>',
    ...backdrop,
    ...discs,
    '</svg>',
  ].join('\n')
}

const gpsExif: Exif = {
  IFD0: { Make: 'PixelFlow', Copyright: 'example' },
  IFD3: {
    GPSLatitudeRef: 'N',
    GPSLatitude: '51/1 30/1 3230/100',
    GPSLongitudeRef: 'W',
    GPSLongitude: '0/1 7/1 4366/100',
  },
}

function pixels(options: SampleOptions, width: number, height: number, channels: 3 | 4): Uint8Array {
  const { seed = 1, noise = 24 } = options
  const raw = new Uint8Array(width * height * channels)
  // xorshift32: fast, and the same on every machine.
  let state = (seed * 2_654_435_761) >>> 0 || 1
  const waves = Float32Array.from({ length: width }, (_, x) => Math.sin((x / width) * 9 + seed) * 40)
  for (let y = 0, at = 0; y < height; y++) {
    const v = y / height
    const swell = Math.sin(v * 7 + seed) * 40
    for (let x = 0; x < width; x++, at += channels) {
      state ^= state << 13
      state ^= state >>> 17
      state ^= state << 5
      const grain = ((state >>> 24) / 128 - 1) * noise
      const u = x / width
      const disc = (u - 0.6) * (u - 0.6) + (v - 0.4) * (v - 0.4) < 0.04 ? 60 : 0
      const light = (waves[x] as number) + swell + grain + disc
      raw[at] = clamp(80 + 90 * u + light)
      raw[at + 1] = clamp(90 + 70 * v + light * 0.8)
      raw[at + 2] = clamp(150 - 80 * u + light * 0.6)
      if (channels === 4) raw[at + 3] = (u - 0.5) * (u - 0.5) + (v - 0.5) * (v - 0.5) < 0.2 ? 255 : 0
    }
  }
  return raw
}

function clamp(value: number): number {
  return value < 0 ? 0 : value > 255 ? 255 : value
}
