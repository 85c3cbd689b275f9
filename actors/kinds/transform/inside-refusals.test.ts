import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { writableFormatIds, formatIds } from '@pixelflow/core/format'
import { sampleImage } from '@pixelflow/testkit/images'
import { openInside, type Inside } from '../../testing/inside.ts'

/** The inner half, run in this process: what it says of bad pictures, and of recipes that do not fit. */

let inside: Inside
beforeAll(async () => {
  inside = await openInside()
})
afterAll(() => inside[Symbol.asyncDispose]())

const transform: Inside['transform'] = (...all) => inside.transform(...all)
const refusal: Inside['refusal'] = (...all) => inside.refusal(...all)

describe('a bad picture', () => {
  const half = (bytes: Uint8Array) => bytes.slice(0, Math.floor(bytes.length * 0.6))
  const spoiled = (bytes: Uint8Array) =>
    bytes.map((b, i) => (i > bytes.length / 2 && i < bytes.length / 2 + 64 ? (i * 37) & 255 : b))

  test.each(formatIds)('%s cut in half is refused, in stages and in one go', async (format) => {
    const cut = half(await sampleImage({ format, width: 400, height: 300 }))
    for (const inStages of [true, false]) {
      for (const to of writableFormatIds) {
        const fault = await refusal(cut, `resize:100/format:${to}`, { inStages })
        expect([to, fault.code]).toEqual([to, 'corrupt_image'])
        expect(fault.message).not.toMatch(/vips|\/|task-/i)
        expect(fault.cause).toBeDefined()
      }
    }
  })

  test.each(['png', 'gif', 'avif'] as const)('%s with spoiled bytes is refused', async (format) => {
    const fault = await refusal(spoiled(await sampleImage({ format, width: 400, height: 300 })), 'resize:100')
    expect(fault.code).toBe('corrupt_image')
  })

  test('a PNG whose header was tampered with is refused, in stages and in one go', async () => {
    const tampered = new Uint8Array(await sampleImage({ format: 'png', width: 400, height: 300 }))
    new DataView(tampered.buffer).setUint32(16, 401)
    for (const inStages of [true, false]) {
      for (const to of writableFormatIds) {
        const fault = await refusal(tampered, `resize:100/format:${to}`, { inStages })
        expect([to, fault.code]).toEqual([to, 'corrupt_image'])
      }
    }
  })

  test('a JPEG with spoiled bytes is taken, as every viewer takes it', async () => {
    const { picture } = await transform(spoiled(await sampleImage({ width: 400, height: 300 })), 'resize:100')
    expect(picture.width).toBe(100)
  })

  test('a header that promises 65,000 × 65,000 pixels is refused before anything is decoded', async () => {
    const huge = new Uint8Array(await sampleImage({ format: 'png', width: 8, height: 8 }))
    new DataView(huge.buffer).setUint32(16, 65_000)
    new DataView(huge.buffer).setUint32(20, 65_000)
    expect((await refusal(huge, 'resize:100')).code).toBe('too_many_pixels')
    const large = await refusal(await sampleImage({ width: 200, height: 200 }), 'flip', { maxPixels: 39_999 })
    expect(large.code).toBe('too_many_pixels')
  })

  test('what is something else than it seemed is refused', async () => {
    const png = await sampleImage({ format: 'png', width: 8, height: 8 })
    expect((await refusal(png, 'flip', { format: 'jpeg' })).code).toBe('unsupported_format')
    const svg = new TextEncoder().encode('<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"/>')
    expect((await refusal(svg, 'flip', { format: 'png' })).code).toBe('unsupported_format')
  })
})

describe('a recipe that does not fit the picture', () => {
  test('is refused with the step, before anything is decoded', async () => {
    const bytes = await sampleImage({ width: 400, height: 300 })
    const outside = await refusal(bytes, 'resize:200/crop:150:0:100:100')
    expect(outside.report()).toMatchObject({ code: 'processing_failed', field: 'steps[1].width' })
    expect(outside.message).toContain('200×150')
    const grown = await refusal(bytes, 'resize:60000x60000:fill:enlarge=true')
    expect(grown.report()).toMatchObject({ code: 'too_many_pixels', field: 'steps[0]' })
    const wide = await refusal(bytes, 'resize:20000x10:fill:enlarge=true/format:webp')
    expect(wide.report()).toMatchObject({ code: 'processing_failed', field: 'steps[1].type' })
    const avif = await refusal(bytes, 'resize:17000x10:fill:enlarge=true/format:avif')
    expect(avif.code).toBe('processing_failed')
  })
})
