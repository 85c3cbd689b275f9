import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { deflateSync } from 'node:zlib'
import { pngChunk } from '@pixelflow/core/png'
import { describedImage, thumbnail, describedTexts } from '@pixelflow/testkit/described-image'
import sharp from 'sharp'
import { openTransformHarness, type TransformHarness } from '../../../testing/transform-harness.ts'

/** EXIF of PNG files that libvips does not read: after the pixels, and in text chunks. */

const headBytes = 33
const endBytes = 12
const partOfThumbnail = Buffer.from(thumbnail.subarray(-200))

let harness: TransformHarness
let plain: Buffer
let block: Buffer
beforeAll(async () => {
  harness = await openTransformHarness()
  const described = Buffer.from(await describedImage({ format: 'png' }))
  const length = described.readUInt32BE(headBytes)
  block = described.subarray(headBytes + 8, headBytes + 8 + length)
  plain = Buffer.concat([described.subarray(0, headBytes), described.subarray(headBytes + 12 + length)])
})
afterAll(() => harness[Symbol.asyncDispose]())

const before = (part: Uint8Array) =>
  Buffer.concat([plain.subarray(0, headBytes), part, plain.subarray(headBytes)])
const after = (part: Uint8Array) =>
  Buffer.concat([plain.subarray(0, -endBytes), part, plain.subarray(-endBytes)])

/** The form in which ImageMagick writes a profile as text. */
function rawProfile(data: Uint8Array, name = 'exif', length = data.length): Buffer {
  const lines =
    Buffer.from(data)
      .toString('hex')
      .match(/.{1,72}/g) ?? []
  return Buffer.from(`\n${name}\n${String(length).padStart(8)}\n${lines.join('\n')}\n`, 'latin1')
}
const marked = () => Buffer.concat([Buffer.from('Exif\0\0', 'latin1'), block])
const text = (data: Buffer, keyword = 'Raw profile type exif') =>
  pngChunk('tEXt', Buffer.concat([Buffer.from(`${keyword}\0`, 'latin1'), data]))
const compressed = (data: Buffer, keyword = 'Raw profile type exif') =>
  pngChunk('zTXt', Buffer.concat([Buffer.from(`${keyword}\0\0`, 'latin1'), deflateSync(data)]))
const international = (data: Buffer, isCompressed: boolean) =>
  pngChunk(
    'iTXt',
    Buffer.concat([
      Buffer.from(`Raw profile type exif\0${isCompressed ? '\x01' : '\0'}\0en\0EXIF\0`, 'latin1'),
      isCompressed ? deflateSync(data) : data,
    ]),
  )

const encodings: Record<string, () => Uint8Array> = {
  'a chunk after the pixels': () => after(pngChunk('eXIf', block)),
  // Longer files are read piece by piece.
  'a chunk after the pixels of a large file': () =>
    after(Buffer.concat([pngChunk('prVt', Buffer.alloc(3 * 2 ** 19, 7)), pngChunk('eXIf', block)])),
  'a tEXt profile': () => before(text(rawProfile(marked()))),
  'a zTXt profile': () => before(compressed(rawProfile(marked()))),
  'a zTXt profile after the pixels': () => after(compressed(rawProfile(marked()))),
  'a zTXt profile without the marker': () => before(compressed(rawProfile(block))),
  'an iTXt profile': () => before(international(rawProfile(marked()), false)),
  'a compressed iTXt profile': () => before(international(rawProfile(marked()), true)),
  'an APP1 profile': () => before(compressed(rawProfile(marked(), 'APP1'), 'Raw profile type APP1')),
  'a profile after one that is not EXIF': () =>
    before(
      Buffer.concat([
        compressed(rawProfile(Buffer.from('http://ns.adobe.com/xap/1.0/\0<x/>')), 'Raw profile type APP1'),
        compressed(rawProfile(marked())),
      ]),
    ),
}

describe.each(Object.entries(encodings))('EXIF of a PNG in %s', (_, png) => {
  test.each([true, false])(
    'survives without its thumbnail, and turns the image upright',
    async (inStages) => {
      const { file } = await harness.transform(png(), 'format:jpeg:metadata=keep', { inStages })
      const { exif = Buffer.alloc(0), orientation, width, height } = await sharp(file).metadata()
      expect(describedTexts.filter((one) => exif.includes(one))).toEqual([...describedTexts])
      expect(Buffer.from(file).includes(partOfThumbnail)).toBe(false)
      expect({ orientation, width, height }).toEqual({ orientation: 1, width: 32, height: 48 })
    },
  )

  test('keeps its orientation in an image that is not turned upright', async () => {
    const { file } = await harness.transform(png(), 'orient:false/format:jpeg:metadata=keep')
    const { orientation, width, height } = await sharp(file).metadata()
    expect({ orientation, width, height }).toEqual({ orientation: 6, width: 48, height: 32 })
  })
})

const invalid: Record<string, () => Buffer> = {
  'a profile that is cut off': () => before(compressed(rawProfile(marked(), 'exif', block.length + 1000))),
  'a profile that is not hexadecimal': () => before(text(Buffer.from('\nexif\n       4\nzzzz\n'))),
  'a profile that is not EXIF': () => before(text(rawProfile(Buffer.from('something else')))),
  'a profile that inflates to 100 MiB': () => before(compressed(Buffer.alloc(100 * 2 ** 20, 0x30))),
  'a damaged zTXt profile': () =>
    before(pngChunk('zTXt', Buffer.from('Raw profile type exif\0\0not compressed', 'latin1'))),
  'a chunk with a wrong checksum': () => {
    const damaged = Buffer.from(pngChunk('eXIf', block))
    damaged.writeUInt32BE(0, damaged.length - 4)
    return after(damaged)
  },
}

test.each(Object.entries(invalid))('%s is not taken for EXIF', async (_, png) => {
  const { file } = await harness.transform(png(), 'format:jpeg:metadata=keep')
  // libvips writes EXIF of its own into each JPEG.
  const { exif = Buffer.alloc(0), width, height } = await sharp(file).metadata()
  expect(describedTexts.filter((one) => exif.includes(one))).toEqual([])
  expect({ width, height }).toEqual({ width: 48, height: 32 })
})
