import { pngChunk } from '@pixelflow/core/png'
import sharp from 'sharp'
import { tileSide, type Golden } from './render-golden.ts'

/** Tiles of a row: the tiles of one example. */
const columns = 3
const keyword = 'Description'

/** The file of a golden. */
export async function encodeGolden({ description, tiles }: Golden): Promise<Uint8Array> {
  const [width, height] = [columns * tileSide, (tiles.length / columns) * tileSide]
  const pixels = new Uint8Array(width * height * 4)
  for (const [i, tile] of tiles.entries()) {
    for (let y = 0; y < tileSide; y++) pixels.set(rowOf(tile.pixels, y), offsetOf(i, y))
  }
  const png = await sharp(pixels, { raw: { width, height, channels: 4 } })
    .png({ compressionLevel: 9, adaptiveFiltering: true })
    .toBuffer()
  const text = pngChunk('tEXt', Buffer.from(`${keyword}\0${description}`, 'latin1'))
  // After the signature and the first chunk.
  return Buffer.concat([png.subarray(0, 33), text, png.subarray(33)])
}

function rowOf(pixels: Uint8Array, y: number): Uint8Array {
  return pixels.subarray(y * tileSide * 4, (y + 1) * tileSide * 4)
}

/** First byte of row `y` of tile number `i` in the pixels of a golden. */
function offsetOf(i: number, y: number): number {
  const [left, top] = [(i % columns) * tileSide, Math.floor(i / columns) * tileSide]
  return ((top + y) * columns * tileSide + left) * 4
}

/**
 * Allowed differences of a tile, in levels of 255, with colours premultiplied by alpha: the mean, and the part of the
 * values that differ by more than `far` levels. Between libvips 8.16 and 8.18 the mean differs by up to 0.2, and by 1.2
 * with lossy compression. A blur that is 10 % stronger differs by 2, a shift by one pixel by 13.
 */
const tolerance = { lossless: 0.5, lossy: 1.5, far: 24, farPart: 0.01 }

/** What differs between a golden and its file by more than different versions of libvips do; empty if nothing does. */
export async function compareGolden({ description, tiles }: Golden, file: Uint8Array): Promise<string[]> {
  const { comments = [] } = await sharp(file).metadata()
  const text = comments.find((one) => one.keyword === keyword)?.text ?? ''
  if (text !== description) return [`the results are\n${description}\ninstead of\n${text}`]
  const expected = await sharp(file).raw().toBuffer()
  return tiles.flatMap(({ name, pixels, isLossy }, i) => {
    const rows = Array.from({ length: tileSide }, (_, y) =>
      expected.subarray(offsetOf(i, y), offsetOf(i, y) + tileSide * 4),
    )
    const { mean, farPart } = measure(pixels, Buffer.concat(rows))
    const allowed = isLossy ? tolerance.lossy : tolerance.lossless
    if (mean <= allowed && farPart <= tolerance.farPart) return []
    return `${name}: mean difference ${mean.toFixed(2)}, ${(100 * farPart).toFixed(1)} % differ by more than ${tolerance.far}`
  })
}

function measure(one: Uint8Array, other: Uint8Array): { mean: number; farPart: number } {
  let [sum, far] = [0, 0]
  for (let i = 0; i < one.length; i++) {
    const difference = Math.abs(premultiplied(one, i) - premultiplied(other, i))
    sum += difference
    if (difference > tolerance.far) far++
  }
  return { mean: sum / one.length, farPart: far / one.length }
}

function premultiplied(pixels: Uint8Array, i: number): number {
  const value = pixels[i] ?? 0
  return i % 4 === 3 ? value : (value * (pixels[i - (i % 4) + 3] ?? 0)) / 255
}
