import { describe, expect, test } from 'bun:test'
import { gzipSync } from 'node:zlib'
import sharp from 'sharp'
import {
  chooseOutputFormat,
  formatOf,
  formatIds,
  formats,
  isWritable,
  sniffFormat,
  sniffBytes,
  writableFormatIds,
  type FormatId,
} from './format.ts'

const blank = () => sharp({ create: { width: 8, height: 8, channels: 3, background: 'red' } })
const files: Readonly<Record<FormatId, () => Promise<Buffer>>> = {
  jpeg: () => blank().jpeg().toBuffer(),
  png: () => blank().png().toBuffer(),
  webp: () => blank().webp().toBuffer(),
  avif: () => blank().avif().toBuffer(),
  gif: () => blank().gif().toBuffer(),
  tiff: () => blank().tiff().toBuffer(),
  svg: async () => Buffer.from('<svg xmlns="http://www.w3.org/2000/svg" width="8" height="8"/>'),
}

describe('sniffFormat', () => {
  test.each(formatIds)('detects a real %s file', async (id) => {
    expect(sniffFormat((await files[id]()).subarray(0, sniffBytes))).toBe(id)
  })

  test.each(formatIds)('detects a %s file from 32 bytes, and never another format from fewer', async (id) => {
    const whole = await files[id]()
    for (let length = 0; length <= sniffBytes; length++) {
      expect([undefined, id]).toContain(sniffFormat(whole.subarray(0, length)))
    }
    expect(sniffFormat(whole.subarray(0, 32))).toBe(id)
  })

  test.each([
    ['no bytes', []],
    ['text', [...new TextEncoder().encode('a text')]],
    [
      'an HTML page',
      [...new TextEncoder().encode('<!doctype html><svg xmlns="http://www.w3.org/2000/svg"/>')],
    ],
    ['a compressed SVG', [...gzipSync('<svg xmlns="http://www.w3.org/2000/svg" width="8" height="8"/>')]],
    ['zeros', Array.from({ length: 64 }, () => 0)],
    ['a WAVE file', [...new TextEncoder().encode('RIFF....WAVEfmt ')]],
    ['HEIC', [0, 0, 0, 0x18, ...new TextEncoder().encode('ftypheic....mif1heic')]],
    ['a box with a huge size', [0xff, 0xff, 0xff, 0xff, ...new TextEncoder().encode('ftypisom')]],
  ])('detects no format in %s', (_, bytes) => {
    expect(sniffFormat(Uint8Array.from(bytes))).toBeUndefined()
  })

  test('detects AVIF by a compatible brand, and BigTIFF in either byte order', () => {
    const brands = new TextEncoder().encode('ftypmif1....miafavif')
    expect(sniffFormat(Uint8Array.of(0, 0, 0, 24, ...brands))).toBe('avif')
    expect(sniffFormat(Uint8Array.of(0x49, 0x49, 0x2b, 0))).toBe('tiff')
    expect(sniffFormat(Uint8Array.of(0x4d, 0x4d, 0, 0x2b))).toBe('tiff')
  })
})

describe('the format table', () => {
  test('has unique ids, media types and extensions', () => {
    expect(new Set(formatIds).size).toBe(formats.length)
    expect(new Set(formats.map(({ mediaType }) => mediaType)).size).toBe(formats.length)
    const extensions = formats.flatMap(({ extensions }): string[] => [...extensions])
    expect(new Set(extensions).size).toBe(extensions.length)
    for (const id of formatIds) expect(formatOf(id).id).toBe(id)
  })

  test('the default output format is that of the source, or PNG if it cannot be written', () => {
    for (const id of writableFormatIds) expect(chooseOutputFormat(id)).toBe(id)
    for (const id of formatIds.filter((id) => !isWritable(id))) expect(chooseOutputFormat(id)).toBe('png')
    expect(writableFormatIds).toEqual(['jpeg', 'png', 'webp', 'avif'])
  })

  test('marks the formats that sharp writes with transparency', async () => {
    for (const id of writableFormatIds) {
      const clear = sharp({ create: { width: 8, height: 8, channels: 4, background: '#00000000' } })
      const { hasAlpha } = await sharp(await clear.toFormat(id).toBuffer()).metadata()
      expect({ id, hasAlpha }).toEqual({ id, hasAlpha: formatOf(id).hasAlpha })
    }
  })
})
