import { describe, expect, test } from 'bun:test'
import { readdir } from 'node:fs/promises'
import { parseRecipe } from '@pixelflow/core/recipe/recipe'
import { previewOptions } from '@pixelflow/core/tune/client-message'
import { sampleImage } from '@pixelflow/testkit/images'
import { useFixture } from '@pixelflow/testkit/use-fixture'
import { meanDifference } from '../../testing/mean-difference.ts'
import sharp from 'sharp'
import { openPreviewHarness, type PreviewHarness } from '../../testing/preview-harness.ts'

/** The previews of a session. */

let previews: PreviewHarness
useFixture(openPreviewHarness, (opened) => (previews = opened))

describe('a session', () => {
  test('begins with the sizes, answers each request, and ends with the last one', async () => {
    const { id } = await previews.cluster.upload(await sampleImage({ width: 3000, height: 2000 }))
    await using session = await previews.open(id, 'blur:12')
    expect((await session.receive()).message).toEqual({
      type: 'opened',
      source: { width: 3000, height: 2000 },
      preview: { width: 1254, height: 836 },
    })
    const first = await session.receive()
    expect(first.message).toMatchObject({
      type: 'preview',
      sequence: 0,
      width: 1254,
      height: 836,
      result: { width: 3000, height: 2000 },
      format: 'jpeg',
      mediaType: 'image/jpeg',
      bytes: first.file.length,
    })
    expect(await sharp(first.file).metadata()).toMatchObject({ format: 'jpeg', width: 1254, height: 836 })

    await session.send(7, 'resize:600/rotate:90')
    await session.finish()
    const { preview, file } = await session.receivePreview(7)
    expect(preview).toMatchObject({ width: 400, height: 600, result: { width: 400, height: 600 } })
    expect(await sharp(file).metadata()).toMatchObject({ width: 400, height: 600 })
    expect(await session.next()).toBeNull()
    expect(await readdir(previews.scratch.large)).toEqual([])
  }, 30_000)

  test('sends previews that look like the result', async () => {
    const bytes = await sampleImage({ width: 1600, height: 1200, noise: 0 })
    const { id } = await previews.cluster.upload(bytes)
    const recipe = 'crop:200:100:1200:1000/blur:10/grayscale'
    await using session = await previews.open(id, recipe, {
      preview: previewOptions.parse({ maxPixels: 120_000, quality: 95 }),
    })
    const { preview, file } = await session.receivePreview(0)
    const { width, height } = preview
    expect([width, height]).toEqual([300, 250])
    const real = await sharp(bytes)
      .extract({ left: 200, top: 100, width: 1200, height: 1000 })
      .blur(10)
      .grayscale()
      .toColourspace('srgb')
      .toBuffer()
    const [one, other] = await Promise.all([
      sharp(real).resize({ width, height, fit: 'fill' }).removeAlpha().raw().toBuffer(),
      sharp(file).toColourspace('srgb').removeAlpha().raw().toBuffer(),
    ])
    expect(meanDifference(one, other)).toBeLessThan(4)
  }, 30_000)

  test('shows transparency, or the background where the result is opaque', async () => {
    const { id } = await previews.cluster.upload(
      await sampleImage({ format: 'png', alpha: true, width: 300, height: 300 }),
    )
    await using session = await previews.open(id, 'flip')
    const transparent = await session.receivePreview(0)
    expect(transparent.preview.format).toBe('webp')
    expect((await sharp(transparent.file).stats()).isOpaque).toBe(false)
    await session.send(1, 'flip/format:jpeg:background=f00')
    const flattened = await session.receivePreview(1)
    expect(flattened.preview.format).toBe('jpeg')
    const [red = 0, green = 255] = await sharp(flattened.file).raw().toBuffer()
    expect(red).toBeGreaterThan(240)
    expect(green).toBeLessThan(15)

    await using webp = await previews.open(id, 'flip/format:jpeg:background=f00', {
      preview: previewOptions.parse({ format: 'webp' }),
    })
    const flat = await webp.receivePreview(0)
    expect(flat.preview.format).toBe('webp')
    expect((await sharp(flat.file).stats()).isOpaque).toBe(true)
    const [again = 0] = await sharp(flat.file).raw().toBuffer()
    expect(again).toBeGreaterThan(240)
  }, 30_000)

  test('applies the orientation or not, and renders any output', async () => {
    const { id } = await previews.cluster.upload(
      await sampleImage({ width: 400, height: 200, orientation: 6 }),
    )
    const two = parseRecipe({
      steps: [],
      outputs: { a: { steps: [] }, b: { steps: [{ op: 'resize', width: 50 }] } },
    })
    await using session = await previews.open(id, 'flip', { recipe: two, output: 'b' })
    expect((await session.receive()).message).toMatchObject({ source: { width: 200, height: 400 } })
    expect((await session.receivePreview(0)).preview).toMatchObject({ output: 'b', width: 50, height: 100 })
    await session.send(1, 'orient:false/resize:100')
    expect((await session.receive()).message).toMatchObject({
      type: 'opened',
      source: { width: 400, height: 200 },
    })
    expect((await session.receivePreview(1)).preview).toMatchObject({ width: 100, height: 50 })
    await session.send(2, 'resize:100')
    expect((await session.receivePreview(2)).preview).toMatchObject({ width: 100, height: 200 })
  }, 30_000)

  test('renders cropped areas with full detail', async () => {
    const bytes = await sampleImage({ width: 3000, height: 2000, noise: 40 })
    const { id } = await previews.cluster.upload(bytes)
    await using session = await previews.open(id, 'crop:100:200:600:400/flop', {
      preview: previewOptions.parse({ quality: 100 }),
    })
    const { preview, file } = await session.receivePreview(0)
    expect(preview).toMatchObject({ width: 600, height: 400, result: { width: 600, height: 400 } })
    const real = sharp(bytes).extract({ left: 100, top: 200, width: 600, height: 400 }).flop()
    const [one, other] = await Promise.all([real.raw().toBuffer(), sharp(file).raw().toBuffer()])
    expect(meanDifference(one, other)).toBeLessThan(4)
    await session.send(1, 'crop:0:0:2900:1900/blur:9')
    expect((await session.receivePreview(1)).preview).toMatchObject({ width: 1212, height: 794 })
  }, 30_000)

  test('continues after a request that fails', async () => {
    const { id } = await previews.cluster.upload(await sampleImage({ width: 300, height: 200 }))
    await using session = await previews.open(id, 'resize:100')
    await session.receivePreview(0)
    await session.send(1, 'crop:0:0:400:100')
    const { message } = await session.receive()
    expect(message).toMatchObject({
      type: 'refused',
      sequence: 1,
      fault: { code: 'processing_failed', field: 'steps[0].width' },
    })
    await session.send(2, 'resize:9000x9000:enlarge=true:fill')
    expect((await session.receive()).message).toMatchObject({
      type: 'refused',
      fault: { code: 'too_many_pixels' },
    })
    await session.send(3, 'resize:80')
    expect((await session.receivePreview(3)).preview).toMatchObject({ width: 80 })
  }, 30_000)
})
