import { deflateSync } from 'node:zlib'
import { encodePng, pngChunk } from '@pixelflow/core/png'
import { u32be } from './bytes.ts'

/** A PNG of `width` × `height` black pixels with one bit each, whose header may state another size. */
export function png(
  width: number,
  height: number,
  stated = { width, height },
  extra: Uint8Array = new Uint8Array(),
): Uint8Array {
  const pixels = deflateSync(Buffer.alloc(height * (1 + Math.ceil(width / 8))), { level: 9 })
  return encodePng({ ...stated, bitDepth: 1, colorType: 0 }, pixels, extra)
}

/** A compressed colour profile or text of `bytes` bytes. */
export function packedChunk(type: 'iCCP' | 'zTXt', bytes: number): Uint8Array {
  return pngChunk(
    type,
    Buffer.concat([Buffer.from('a\0\0', 'latin1'), deflateSync(Buffer.alloc(bytes), { level: 9 })]),
  )
}

/** A number of chunks with a text of one letter each. */
export function manyTexts(count: number): Uint8Array {
  const one = pngChunk('tEXt', Buffer.from('a\0b', 'latin1'))
  return Buffer.alloc(one.length * count, one)
}

/** A compressed international text of `bytes` bytes. */
export function packedInternational(bytes: number): Uint8Array {
  const head = Buffer.from('XML:com.adobe.xmp\0\x01\0\0\0', 'latin1')
  return pngChunk('iTXt', Buffer.concat([head, deflateSync(Buffer.alloc(bytes, '<x>'), { level: 9 })]))
}

/** An APNG with `count` frames of one pixel, which decoders without APNG skip. */
export function animated(width: number, height: number, count: number): Uint8Array {
  const control = pngChunk('acTL', Buffer.from([...u32be(count), ...u32be(0)]))
  const frame = (n: number) => {
    const place = [...u32be(n), ...u32be(1), ...u32be(1), ...u32be(0), ...u32be(0), 0, 1, 0, 100, 0, 0]
    return Buffer.concat([
      pngChunk('fcTL', Buffer.from(place)),
      pngChunk('fdAT', Buffer.concat([Buffer.from(u32be(n + 1)), deflateSync(Buffer.from([0, 0]))])),
    ])
  }
  const frames = Buffer.concat(Array.from({ length: count }, (_, i) => frame(2 * i)))
  return png(width, height, { width, height }, Buffer.concat([control, frames]))
}

/** EXIF with a TIFF structure. */
export function exif(tiff: Uint8Array): Uint8Array {
  return pngChunk('eXIf', tiff)
}

/** Marks a file as interlaced in its header, without changing its rows. */
export function interlaced(file: Uint8Array): Uint8Array {
  const copy = Buffer.from(file)
  copy[28] = 1
  copy.writeUInt32BE(Bun.hash.crc32(copy.subarray(12, 29)), 29)
  return copy
}
