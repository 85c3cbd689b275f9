import sharp from 'sharp'

const width = 960
const height = 640
/** The side of a repeated pattern in pixels. Any part of the pictures with this size has all of it. */
const period = 48

type Color = readonly [red: number, green: number, blue: number]

/**
 * The pictures from which goldens are made, as PNG: an opaque one with an EXIF orientation, and one with transparency.
 * They are calculated with integers, so that they are the same on every machine. Large areas of different colours make
 * every place different, and a small pattern has hard edges, thin lines, saturated colours, grays and grain.
 */
export async function makeGoldenSources(): Promise<readonly Uint8Array[]> {
  const transparent = sharp(drawPixels(), { raw: { width, height, channels: 4 } })
  return Promise.all([
    // Orientation 6: the stored pixels must be turned by 90° clockwise to be upright.
    transparent.clone().removeAlpha().rotate(-90).withMetadata({ orientation: 6 }).png().toBuffer(),
    transparent.png().toBuffer(),
  ])
}

/** RGBA. */
function drawPixels(): Uint8Array {
  const pixels = new Uint8Array(width * height * 4)
  for (let y = 0, at = 0; y < height; y++) {
    for (let x = 0; x < width; x++, at += 4) pixels.set([...colorAt(x, y), alphaAt(x, y)], at)
  }
  return pixels
}

function colorAt(x: number, y: number): Color {
  const [u, v] = [x % period, y % period]
  const across = 32 * Math.floor((x * 8) / width)
  const down = 32 * Math.floor((y * 8) / height)
  const isDisc = (u - 14) ** 2 + (v - 14) ** 2 < 100
  if (isDisc) return [230, across >> 1, 40]
  const isLines = v > 28 && v < 38 && u < 30
  if (isLines) return (u * u) % 64 < 32 ? [20, 20, 30] : [245, 240, 220]
  const isWedge = v > 40 && v < 46
  if (isWedge) return gray((u >> 3) * 40)
  const isGrain = u > 36 && v < 10
  const grain = ((x * 7919) ^ (y * 104_729)) % 40
  if (isGrain) return [100 + grain, 140 + grain, 180 + grain]
  return [across, down, 255 - ((across + down) >> 1)]
}

function gray(level: number): Color {
  return [level, level, level]
}

/** Opaque above the middle, 16 levels from left to right below it, and a fully transparent disc in each pattern. */
function alphaAt(x: number, y: number): number {
  const [u, v] = [x % period, y % period]
  const isHole = (u - 38) ** 2 + (v - 22) ** 2 < 50
  if (isHole) return 0
  return y < height / 2 - 12 ? 255 : 16 * Math.floor((x * 16) / width)
}
