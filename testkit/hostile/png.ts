import { deflateSync } from 'node:zlib'
import { ascii, u32be } from './bytes.ts'

function pngChunk(type: string, data: Uint8Array): Uint8Array {
  const body = Buffer.concat([Buffer.from(type, 'latin1'), data])
  return Buffer.concat([Buffer.from(u32be(data.length)), body, Buffer.from(u32be(Bun.hash.crc32(body)))])
}

/** A PNG of `width` × `height` black pixels of one bit, whose header may say something else. */
export function png(
  width: number,
  height: number,
  stated = { width, height },
  extra: Uint8Array = new Uint8Array(),
): Uint8Array {
  const header = [...u32be(stated.width), ...u32be(stated.height), 1, 0, 0, 0, 0]
  const pixels = deflateSync(Buffer.alloc(height * (1 + Math.ceil(width / 8))), { level: 9 })
  return Buffer.concat([
    Buffer.from([0x89, ...ascii('PNG'), 0x0d, 0x0a, 0x1a, 0x0a]),
    pngChunk('IHDR', Buffer.from(header)),
    extra,
    pngChunk('IDAT', pixels),
    pngChunk('IEND', new Uint8Array()),
  ])
}

/** A colour profile or text of a PNG that unpacks to `bytes`. */
export function packedChunk(type: 'iCCP' | 'zTXt', bytes: number): Uint8Array {
  return pngChunk(
    type,
    Buffer.concat([Buffer.from('a\0\0', 'latin1'), deflateSync(Buffer.alloc(bytes), { level: 9 })]),
  )
}
