import { crc32 } from 'node:zlib'

/** Bytes of a PNG before its first chunk, and of that one, IHDR. */
const headBytes = { signature: 8, first: 25 } as const
/** Chunks that say something about the picture as a whole. */
const described: ReadonlySet<string> = new Set(['eXIf', 'iTXt', 'tEXt', 'zTXt'])

/**
 * A PNG of our own with other EXIF in it, or none. sharp writes EXIF into every format, but only what it has read from a
 * file, so this is the file it reads it from.
 */
export function replacePngExif(png: Buffer, exif: Buffer | undefined): Buffer {
  const start = headBytes.signature + headBytes.first
  const parts = [png.subarray(0, start), ...(exif === undefined ? [] : [chunk('eXIf', exif)])]
  let at = start
  // What describes the picture stands before its pixels; the rest goes along as it is.
  while (at + 8 <= png.length) {
    const type = png.toString('latin1', at + 4, at + 8)
    if (type === 'IDAT') break
    const end = at + 12 + png.readUInt32BE(at)
    if (!described.has(type)) parts.push(png.subarray(at, end))
    at = end
  }
  const rest = png.subarray(at)
  return Buffer.concat([...parts, ...withoutTrailers(rest)])
}

/** Pixels and end, without what libpng writes behind the pixels. */
function withoutTrailers(rest: Buffer): Buffer[] {
  const parts: Buffer[] = []
  for (let at = 0; at + 12 <= rest.length;) {
    const end = at + 12 + rest.readUInt32BE(at)
    if (!described.has(rest.toString('latin1', at + 4, at + 8))) parts.push(rest.subarray(at, end))
    at = end
  }
  return parts
}

function chunk(type: string, data: Buffer): Buffer {
  const named = Buffer.concat([Buffer.from(type, 'latin1'), data])
  const [length, sum] = [Buffer.alloc(4), Buffer.alloc(4)]
  length.writeUInt32BE(data.length)
  sum.writeUInt32BE(crc32(named))
  return Buffer.concat([length, named, sum])
}
