import { describe, expect, test } from 'bun:test'
import { gzipSync } from 'node:zlib'
import sharp from 'sharp'
import {
  defaultOutputFormat,
  format,
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

describe('the first bytes', () => {
  test.each(formatIds)('of a real %s file show it', async (id) => {
    expect(sniffFormat((await files[id]()).subarray(0, sniffBytes))).toBe(id)
  })

  test.each(formatIds)('of a %s file are still enough when few have come', async (id) => {
    const whole = await files[id]()
    for (let length = 0; length <= sniffBytes; length++) {
      expect([undefined, id]).toContain(sniffFormat(whole.subarray(0, length)))
    }
    expect(sniffFormat(whole.subarray(0, 32))).toBe(id)
  })

  test.each([
    ['nothing', []],
    ['text', [...new TextEncoder().encode('a text')]],
    ['a page', [...new TextEncoder().encode('<!doctype html><svg xmlns="http://www.w3.org/2000/svg"/>')]],
    ['a packed SVG', [...gzipSync('<svg xmlns="http://www.w3.org/2000/svg" width="8" height="8"/>')]],
    ['zeros', Array.from({ length: 64 }, () => 0)],
    ['a RIFF file that is a sound', [...new TextEncoder().encode('RIFF....WAVEfmt ')]],
    ['HEIC', [0, 0, 0, 0x18, ...new TextEncoder().encode('ftypheic....mif1heic')]],
    ['a box of a huge size', [0xff, 0xff, 0xff, 0xff, ...new TextEncoder().encode('ftypisom')]],
  ])('of %s show no picture that we know', (_, bytes) => {
    expect(sniffFormat(Uint8Array.from(bytes))).toBeUndefined()
  })

  test('show AVIF by a compatible brand, and big TIFF in either byte order', () => {
    const brands = new TextEncoder().encode('ftypmif1....miafavif')
    expect(sniffFormat(Uint8Array.of(0, 0, 0, 24, ...brands))).toBe('avif')
    expect(sniffFormat(Uint8Array.of(0x49, 0x49, 0x2b, 0))).toBe('tiff')
    expect(sniffFormat(Uint8Array.of(0x4d, 0x4d, 0, 0x2b))).toBe('tiff')
  })
})

describe('the table', () => {
  test('has each id, type and extension once', () => {
    expect(new Set(formatIds).size).toBe(formats.length)
    expect(new Set(formats.map(({ mediaType }) => mediaType)).size).toBe(formats.length)
    const extensions = formats.flatMap(({ extensions }): string[] => [...extensions])
    expect(new Set(extensions).size).toBe(extensions.length)
    for (const id of formatIds) expect(format(id).id).toBe(id)
  })

  test('keeps the format of the source where it can be written', () => {
    for (const id of writableFormatIds) expect(defaultOutputFormat(id)).toBe(id)
    for (const id of formatIds.filter((id) => !isWritable(id))) expect(defaultOutputFormat(id)).toBe('png')
    expect(writableFormatIds).toEqual(['jpeg', 'png', 'webp', 'avif'])
  })

  test('knows which formats sharp writes with transparency', async () => {
    for (const id of writableFormatIds) {
      const clear = sharp({ create: { width: 8, height: 8, channels: 4, background: '#00000000' } })
      const { hasAlpha } = await sharp(await clear.toFormat(id).toBuffer()).metadata()
      expect({ id, hasAlpha }).toEqual({ id, hasAlpha: format(id).alpha })
    }
  })
})
