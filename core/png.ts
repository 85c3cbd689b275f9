/**
 * The container of PNG (ISO/IEC 15948): signature, chunks and checksums. Compression is left to the caller, because this
 * package runs without a runtime's zlib, in k6 too.
 */

export interface PngHeader {
  readonly width: number
  readonly height: number
  readonly bitDepth: number
  /** 0 is gray, 2 is RGB. */
  readonly colorType: number
}

/**
 * A PNG file.
 * @param data the filtered rows as a zlib stream (RFC 1950)
 * @param extra chunks between the header and the data
 */
export function encodePng(
  { width, height, bitDepth, colorType }: PngHeader,
  data: Uint8Array,
  extra: Uint8Array = new Uint8Array(0),
): Uint8Array<ArrayBuffer> {
  const header = joinBytes([uint32(width), uint32(height), Uint8Array.of(bitDepth, colorType, 0, 0, 0)])
  return joinBytes([
    Uint8Array.of(0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a),
    pngChunk('IHDR', header),
    extra,
    pngChunk('IDAT', data),
    pngChunk('IEND', new Uint8Array(0)),
  ])
}

/** One chunk: length, type, data and checksum. */
export function pngChunk(type: string, data: Uint8Array): Uint8Array<ArrayBuffer> {
  // A loop, because k6 cannot create a Uint8Array from the characters of a string.
  const name = new Uint8Array(type.length)
  for (let at = 0; at < type.length; at++) name[at] = type.charCodeAt(at)
  const body = joinBytes([name, data])
  return joinBytes([uint32(data.length), body, uint32(crc32(body))])
}

let table: Uint32Array | undefined

function crc32(data: Uint8Array): number {
  table ??= crcTable()
  let crc = ~0
  for (const byte of data) crc = (crc >>> 8) ^ (table[(crc ^ byte) & 255] ?? 0)
  return ~crc >>> 0
}

function crcTable(): Uint32Array {
  const values = new Uint32Array(256)
  for (let n = 0; n < 256; n++) {
    let value = n
    for (let bit = 0; bit < 8; bit++) value = (value >>> 1) ^ (value & 1 ? 0xedb88320 : 0)
    values[n] = value
  }
  return values
}

function uint32(value: number): Uint8Array {
  return Uint8Array.of(value >>> 24, value >>> 16, value >>> 8, value)
}

function joinBytes(parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0))
  let at = 0
  for (const part of parts) {
    whole.set(part, at)
    at += part.length
  }
  return whole
}
