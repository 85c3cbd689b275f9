import { pngChunk } from '@pixelflow/core/png'

/** Bytes of the PNG signature, and of the first chunk, IHDR. */
const headBytes = { signature: 8, first: 25 } as const
/** Metadata chunks. */
const described: ReadonlySet<string> = new Set(['eXIf', 'iTXt', 'tEXt', 'zTXt'])

/**
 * Replaces or removes the EXIF of a PNG. sharp writes EXIF in every format, but only EXIF that it has read from a file,
 * so the PNG carries it.
 */
export function replacePngExif(png: Buffer, exif: Buffer | undefined): Buffer {
  const start = headBytes.signature + headBytes.first
  const parts = [png.subarray(0, start), ...(exif === undefined ? [] : [pngChunk('eXIf', exif)])]
  let at = start
  // Metadata before the pixels is dropped; other chunks are kept.
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

/** Pixels and the end chunk, without metadata that libpng writes behind the pixels. */
function withoutTrailers(rest: Buffer): Buffer[] {
  const parts: Buffer[] = []
  for (let at = 0; at + 12 <= rest.length;) {
    const end = at + 12 + rest.readUInt32BE(at)
    if (!described.has(rest.toString('latin1', at + 4, at + 8))) parts.push(rest.subarray(at, end))
    at = end
  }
  return parts
}
