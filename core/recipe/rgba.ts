/** Raw pixels with 8 bits per channel: red, green, blue and alpha. */
export interface Rgba {
  readonly data: Uint8Array
  readonly width: number
  readonly height: number
}

/** Raw pixels in the form that sharp opens. */
export interface RawPixels {
  readonly data: Uint8Array | Uint16Array
  readonly raw: { readonly width: number; readonly height: number; readonly channels: 3 | 4 }
}

/**
 * Frees the memory of pixels at once. The garbage collector would free it late, as it does not see the size of buffers.
 */
export function freePixels({ buffer, byteLength }: Uint8Array | Uint16Array): void {
  // Short arrays may share a buffer with others.
  if (buffer instanceof ArrayBuffer && buffer.byteLength === byteLength) buffer.transfer(0)
}

/** Whether all pixels are opaque, as in most pictures with an alpha channel. */
export function isOpaque({ data }: Rgba): boolean {
  for (let at = 3; at < data.length; at += 4) if (data[at] !== 255) return false
  return true
}

/** The three colour channels, in the same memory, which overwrites the picture. */
export function dropAlphaInPlace({ data, width, height }: Rgba): RawPixels {
  const length = width * height * 3
  for (let to = 0, from = 0; to < length; to += 3, from += 4) {
    data[to] = data[from] ?? 0
    data[to + 1] = data[from + 1] ?? 0
    data[to + 2] = data[from + 2] ?? 0
  }
  return { data: data.subarray(0, length), raw: { width, height, channels: 3 } }
}

/**
 * Converts pixels to 16 bits. Alpha uses half of its range, so that an overshooting kernel is not clipped there.
 *
 * An 8-bit level becomes the middle of the 256 values that libvips converts back to this level by dropping the low
 * byte. The conversion of libvips gives the first or last of these values, from which rounding errors lead to another
 * level.
 * @param block integer factor by which the picture is reduced: each block of pixels becomes its mean
 */
export function to16Bit(picture: Rgba, block: number): RawPixels {
  return block > 1 ? meansOf(picture, block) : eachDeepened(picture)
}

/**
 * The sum of libvips's 16-bit weights may be 0.2% below one; the factor leaves opaque pixels a margin of twice that.
 */
const alphaScale = 128.5

function eachDeepened({ data, width, height }: Rgba): RawPixels {
  const deep = new Uint16Array(data.length)
  for (let at = 0; at < data.length; at += 4) {
    deep[at] = ((data[at] ?? 0) << 8) + 128
    deep[at + 1] = ((data[at + 1] ?? 0) << 8) + 128
    deep[at + 2] = ((data[at + 2] ?? 0) << 8) + 128
    deep[at + 3] = (data[at + 3] ?? 0) * alphaScale
  }
  return { data: deep, raw: { width, height, channels: 4 } }
}

/** Where blocks end: the pixel that contains the end, and the share of this pixel in the block, from 0 up to 1. */
function endsOf(
  length: number,
  blocks: number,
): { readonly pixel: Uint32Array; readonly share: Float64Array } {
  const ends = Float64Array.from({ length: blocks }, (_, i) => ((i + 1) * length) / blocks)
  ends[blocks - 1] = length
  return { pixel: Uint32Array.from(ends, Math.floor), share: ends.map((end) => end - Math.floor(end)) }
}

/**
 * Means of blocks, with colours weighted by alpha. If a side is not a multiple of `block`, blocks are slightly larger.
 */
function meansOf({ data, width, height }: Rgba, block: number): RawPixels {
  const across = Math.max(1, Math.floor(width / block))
  const down = Math.max(1, Math.floor(height / block))
  const deep = new Uint16Array(across * down * 4)
  const [columns, rows] = [endsOf(width, across), endsOf(height, down)]
  const row = new Float64Array(across * 4)
  const sums = new Float64Array(across * 4)
  const area = (width / across) * (height / down)
  for (let y = 0, band = 0; y < height; y++) {
    row.fill(0)
    sumRow(data, y * width * 4, columns, row)
    const isLast = y === rows.pixel[band] || (y + 1 === rows.pixel[band] && rows.share[band] === 0)
    const share = y === rows.pixel[band] ? (rows.share[band] ?? 0) : 1
    for (let i = 0; i < sums.length; i++) sums[i] = (sums[i] ?? 0) + (row[i] ?? 0) * share
    if (!isLast) continue
    writeMeans(sums, area, deep, band * across * 4)
    band += 1
    for (let i = 0; i < sums.length; i++) sums[i] = (row[i] ?? 0) * (1 - share)
  }
  return { data: deep, raw: { width: across, height: down, channels: 4 } }
}

/** Adds up the blocks of one row: red, green and blue, each multiplied by alpha, and alpha. */
function sumRow(data: Uint8Array, start: number, ends: ReturnType<typeof endsOf>, row: Float64Array): void {
  let at = start
  for (let block = 0, to = 0; to < row.length; block++, to += 4) {
    let red = 0
    let green = 0
    let blue = 0
    let alphas = 0
    for (const end = start + (ends.pixel[block] ?? 0) * 4; at < end; at += 4) {
      const alpha = data[at + 3] ?? 0
      red += (data[at] ?? 0) * alpha
      green += (data[at + 1] ?? 0) * alpha
      blue += (data[at + 2] ?? 0) * alpha
      alphas += alpha
    }
    // Added to this block's share of the pixel that it has in common with the previous block.
    row[to] = (row[to] ?? 0) + red
    row[to + 1] = (row[to + 1] ?? 0) + green
    row[to + 2] = (row[to + 2] ?? 0) + blue
    row[to + 3] = (row[to + 3] ?? 0) + alphas
    const share = ends.share[block] ?? 0
    if (share === 0) continue
    split(data, at, share, row, to)
    at += 4
  }
}

/** Distributes a pixel over the two blocks that share it. */
function split(data: Uint8Array, at: number, share: number, row: Float64Array, to: number): void {
  const alpha = data[at + 3] ?? 0
  for (let i = 0; i < 4; i++) {
    const value = i === 3 ? alpha : (data[at + i] ?? 0) * alpha
    row[to + i] = (row[to + i] ?? 0) + value * share
    row[to + 4 + i] = value * (1 - share)
  }
}

function writeMeans(sums: Float64Array, area: number, deep: Uint16Array, start: number): void {
  for (let i = 0; i < sums.length; i += 4) {
    const alphas = sums[i + 3] ?? 0
    if (alphas === 0) continue
    const scale = 256 / alphas
    deep[start + i] = (sums[i] ?? 0) * scale + 128
    deep[start + i + 1] = (sums[i + 1] ?? 0) * scale + 128
    deep[start + i + 2] = (sums[i + 2] ?? 0) * scale + 128
    deep[start + i + 3] = (alphas / area) * alphaScale
  }
}

/** Replaces the colours of visible pixels, in the same memory. @param colors three channels of the same size */
export function replaceColors({ data, width, height }: Rgba, colors: Uint8Array): Rgba {
  for (let to = 0, from = 0; to < data.length; to += 4, from += 3) {
    if (data[to + 3] === 0) continue
    data[to] = colors[from] ?? 0
    data[to + 1] = colors[from + 1] ?? 0
    data[to + 2] = colors[from + 2] ?? 0
  }
  return { data, width, height }
}
