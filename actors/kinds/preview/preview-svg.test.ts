import { describe, expect, test } from 'bun:test'
import { svg } from '@pixelflow/testkit/hostile/svg'
import { useFixture } from '@pixelflow/testkit/use-fixture'
import { meanDifference } from '../../testing/mean-difference.ts'
import sharp, { type Sharp } from 'sharp'
import { openTransformHarness, type TransformHarness } from '../../testing/transform-harness.ts'
import { openPreviewHarness, type PreviewHarness } from '../../testing/preview-harness.ts'

/** Previews of SVG images look like the result of the task. */

let previews: PreviewHarness
let transforms: TransformHarness
useFixture(openPreviewHarness, (opened) => (previews = opened))
useFixture(openTransformHarness, (opened) => (transforms = opened))

/** 24 × 24, with an edge that shows whether it was rendered large or scaled up. */
const icon = svg('<rect width="60" height="24" fill="#fff"/><path d="M2 2L22 12L2 22z" fill="#d00"/>', 24)

const raw = (image: Sharp) => image.toColourspace('srgb').flatten({ background: '#fff' }).raw().toBuffer()

describe('a small drawing', () => {
  test.each([
    'resize:600',
    'resize:600x300:contain:background=fff',
    'resize:600x300:cover',
    'resize:600/blur:6',
    'resize:600/crop:100:100:300:300',
    'flip',
    'blur:3',
    'crop:0:0:12:24/resize:300:enlarge',
    'grayscale/format:jpeg',
  ])(
    'is rendered as the task renders it: %s',
    async (recipe) => {
      const { id } = await previews.cluster.upload(icon)
      await using session = await previews.open(id, recipe)
      const { preview, file } = await session.receivePreview(0)
      const { metadata, file: real } = await transforms.transform(icon, recipe)
      expect(preview.result).toEqual({ width: metadata.width, height: metadata.height })
      expect([preview.width, preview.height]).toEqual([metadata.width, metadata.height])
      const [one, other] = await Promise.all([raw(sharp(file)), raw(sharp(real))])
      // Rendered small, or rendered large and scaled down: edges of a few pixels differ by some shades.
      expect(meanDifference(one, other)).toBeLessThan(10)
    },
    30_000,
  )

  test('stays open while the recipe changes', async () => {
    const { id } = await previews.cluster.upload(icon)
    await using session = await previews.open(id, 'flip')
    await session.receivePreview(0)
    await session.send(1, 'resize:900')
    expect((await session.receivePreview(1)).preview).toMatchObject({
      width: 900,
      result: { width: 900, height: 900 },
    })
    await session.send(2, 'rotate:90')
    expect((await session.receivePreview(2)).preview).toMatchObject({
      width: 24,
      result: { width: 24, height: 24 },
    })
  }, 30_000)
})

test('a hostile drawing ends the session with the fault of the task', async () => {
  const { id } = await previews.cluster.upload(svg('<g id="a"><use href="#a"/></g>'))
  await using session = await previews.open(id, 'flip')
  expect(await session.receivePreview(0).catch((fault: unknown) => fault)).toMatchObject({
    code: 'corrupt_image',
  })
}, 30_000)
