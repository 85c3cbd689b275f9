import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { writableFormatIds, formatIds, type FormatId } from '@pixelflow/core/format'
import { frames } from '@pixelflow/testkit/hostile/gif'
import { chained } from '@pixelflow/testkit/hostile/tiff'
import { sampleImage } from '@pixelflow/testkit/images'
import sharp from 'sharp'
import { openTransformHarness, type TransformHarness } from '../../testing/transform-harness.ts'
import { allowDecoders } from './allow-decoders.ts'
import { maxFrames, openSourceImage } from './open-source-image.ts'

/** The transform worker in this process: faults of damaged images, and of recipes that do not fit. */

let harness: TransformHarness
const samples = new Map<FormatId, Uint8Array>()
beforeAll(async () => {
  harness = await openTransformHarness()
  for (const format of formatIds) samples.set(format, await sampleImage({ format, width: 8, height: 8 }))
})
afterAll(() => harness[Symbol.asyncDispose]())

const transform: TransformHarness['transform'] = (...all) => harness.transform(...all)
const faultOf: TransformHarness['faultOf'] = (...all) => harness.faultOf(...all)

describe('a damaged image', () => {
  const half = (bytes: Uint8Array) => bytes.slice(0, Math.floor(bytes.length * 0.6))
  const damaged = (bytes: Uint8Array) =>
    bytes.map((b, i) => (i > bytes.length / 2 && i < bytes.length / 2 + 64 ? (i * 37) & 255 : b))

  test.each(formatIds)('%s is rejected when truncated, with stages and without', async (format) => {
    const cut = half(await sampleImage({ format, width: 400, height: 300 }))
    for (const inStages of [true, false]) {
      for (const to of writableFormatIds) {
        const fault = await faultOf(cut, `resize:100/format:${to}`, { inStages })
        expect([to, fault.code]).toEqual([to, 'corrupt_image'])
        expect(fault.message).not.toMatch(/vips|\/|task-/i)
        expect(fault.cause).toBeDefined()
      }
    }
  })

  test.each(['png', 'gif', 'avif'] as const)('%s with damaged bytes is rejected', async (format) => {
    const fault = await faultOf(damaged(await sampleImage({ format, width: 400, height: 300 })), 'resize:100')
    expect(fault.code).toBe('corrupt_image')
  })

  test('a PNG with a forged header is rejected, with stages and without', async () => {
    const tampered = new Uint8Array(await sampleImage({ format: 'png', width: 400, height: 300 }))
    new DataView(tampered.buffer).setUint32(16, 401)
    for (const inStages of [true, false]) {
      for (const to of writableFormatIds) {
        const fault = await faultOf(tampered, `resize:100/format:${to}`, { inStages })
        expect([to, fault.code]).toEqual([to, 'corrupt_image'])
      }
    }
  })

  test('a JPEG with damaged bytes is accepted, as in every viewer', async () => {
    const { metadata } = await transform(
      damaged(await sampleImage({ width: 400, height: 300 })),
      'resize:100',
    )
    expect(metadata.width).toBe(100)
  })

  test('a header of 65,000 × 65,000 pixels is rejected before decoding', async () => {
    const huge = new Uint8Array(await sampleImage({ format: 'png', width: 8, height: 8 }))
    new DataView(huge.buffer).setUint32(16, 65_000)
    new DataView(huge.buffer).setUint32(20, 65_000)
    expect((await faultOf(huge, 'resize:100')).code).toBe('too_many_pixels')
    const large = await faultOf(await sampleImage({ width: 200, height: 200 }), 'flip', { maxPixels: 39_999 })
    expect(large.code).toBe('too_many_pixels')
  })

  test('the frames of an animation and their pixels are limited', async () => {
    const taken = await transform(frames(30, 20, maxFrames), 'flip')
    expect(taken.metadata).toMatchObject({ format: 'png', width: 30, height: 20 })
    const long = await faultOf(frames(1, 1, maxFrames + 1), 'flip')
    expect(long.report()).toMatchObject({ code: 'too_many_pixels', remedy: expect.any(String) })
    expect(long.message).toContain('5001 frames')
    const large = await faultOf(frames(100, 100, 11), 'flip', { maxPixels: 10_000 })
    expect(large.code).toBe('too_many_pixels')
    expect(large.message).toContain('11 frames of 100×100')
    await transform(frames(100, 100, 10), 'flip', { maxPixels: 10_000 })
    // Of a document only the number of pages is limited.
    await transform(chained(20), 'flip', { maxPixels: 64 })
    expect((await faultOf(chained(maxFrames + 1), 'flip')).code).toBe('too_many_pixels')
  })

  test('is read by the decoder of its format only', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'pixelflow-decoders-'))
    try {
      const path = join(folder, 'source')
      await Bun.write(path, await sampleImage({ format: 'gif', width: 8, height: 8 }))
      await openSourceImage(path, 'gif', 100)
      const opens = async (format: FormatId) => {
        const bytes = samples.get(format)
        return sharp(bytes)
          .metadata()
          .then(
            () => true,
            () => false,
          )
      }
      const open = await Promise.all(formatIds.map(async (format) => ((await opens(format)) ? format : '')))
      expect(open.filter(Boolean)).toEqual(['png', 'gif'])
    } finally {
      allowDecoders(formatIds)
      await rm(folder, { recursive: true })
    }
  })

  test('a file of another format than stated is rejected', async () => {
    const png = await sampleImage({ format: 'png', width: 8, height: 8 })
    expect((await faultOf(png, 'flip', { format: 'jpeg' })).code).toBe('unsupported_format')
    const svg = new TextEncoder().encode('<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"/>')
    expect((await faultOf(svg, 'flip', { format: 'png' })).code).toBe('unsupported_format')
  })
})

describe('a recipe that does not fit the image', () => {
  test('is rejected with the step, before decoding', async () => {
    const bytes = await sampleImage({ width: 400, height: 300 })
    const outside = await faultOf(bytes, 'resize:200/crop:150:0:100:100')
    expect(outside.report()).toMatchObject({ code: 'processing_failed', field: 'steps[1].width' })
    expect(outside.message).toContain('200×150')
    const grown = await faultOf(bytes, 'resize:60000x60000:fill:enlarge=true')
    expect(grown.report()).toMatchObject({ code: 'too_many_pixels', field: 'steps[0]' })
    const wide = await faultOf(bytes, 'resize:20000x10:fill:enlarge=true/format:webp')
    expect(wide.report()).toMatchObject({ code: 'processing_failed', field: 'steps[1].type' })
    const avif = await faultOf(bytes, 'resize:17000x10:fill:enlarge=true/format:avif')
    expect(avif.code).toBe('processing_failed')
  })
})
