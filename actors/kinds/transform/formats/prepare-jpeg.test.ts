import { describe, expect, test } from 'bun:test'
import { losslessJpeg } from '@pixelflow/testkit/hostile/lossless-jpeg'
import { emptyComments, insertSegments } from '@pixelflow/testkit/hostile/jpeg'
import { sampleImage } from '@pixelflow/testkit/images'
import { useFixture } from '@pixelflow/testkit/use-fixture'
import sharp from 'sharp'
import { openTransformHarness, type TransformHarness } from '../../../testing/transform-harness.ts'

let harness: TransformHarness
useFixture(openTransformHarness, (opened) => (harness = opened))

/** A JPEG with a changed frame header: marker, precision and height. */
async function withFrame(marker: number, precision = 8, height?: number): Promise<Uint8Array> {
  const file = Buffer.from(await sampleImage({ width: 40, height: 30 }))
  const at = file.indexOf(Buffer.from([0xff, 0xc0]))
  file[at + 1] = marker
  file[at + 4] = precision
  if (height !== undefined) file.writeUInt16BE(height, at + 5)
  return file
}

describe('an unsupported JPEG encoding is rejected with the reason', () => {
  const cases: readonly (readonly [string, () => Promise<Uint8Array> | Uint8Array])[] = [
    ['12 bits per channel', () => withFrame(0xc1, 12)],
    ['12 bits per channel', () => losslessJpeg(32, 8, 12)],
    ['16 bits per channel', () => losslessJpeg(32, 8, 16)],
    ['hierarchical coding', () => withFrame(0xc5)],
    ['hierarchical coding', () => withFrame(0xcd)],
    ['lossless arithmetic coding', () => withFrame(0xcb)],
    ['JPEG-LS coding', () => withFrame(0xf7)],
    ['a height stated after the pixels', () => withFrame(0xc0, 8, 0)],
    ['12 bits per channel', async () => insertSegments(await withFrame(0xc1, 12), emptyComments(50_000))],
  ]

  test.each(cases)('%s', async (reason, file) => {
    for (const inStages of [true, false]) {
      const fault = await harness.faultOf(await file(), 'format:png', { inStages })
      expect(fault.report()).toMatchObject({
        code: 'unsupported_format',
        detail: `JPEG with ${reason} is not supported.`,
        remedy: expect.any(String),
      })
    }
  })
})

test('a lossless JPEG of 8 bits is decoded', async () => {
  const { file } = await harness.transform(losslessJpeg(32, 8, 8), 'format:png')
  const { data, info } = await sharp(file).raw().toBuffer({ resolveWithObject: true })
  expect([data[0], data[16 * info.channels], data[31 * info.channels]]).toEqual([0, 132, 255])
})
