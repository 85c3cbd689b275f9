import { describe, expect, test } from 'bun:test'
import { sequence } from '@pixelflow/testkit/hostile/avif'
import {
  grayAvif,
  premultipliedAvif,
  undecodableAvif,
  variantSize,
} from '@pixelflow/testkit/hostile/avif-variants'
import { useFixture } from '@pixelflow/testkit/use-fixture'
import sharp from 'sharp'
import { openTransformHarness, type TransformHarness } from '../../../testing/transform-harness.ts'

let harness: TransformHarness
useFixture(openTransformHarness, (opened) => (harness = opened))

/** The smallest and the largest value of the result. */
async function rangeOf(file: Uint8Array, inStages: boolean): Promise<readonly [number, number]> {
  const result = await harness.transform(file, 'format:png', { inStages })
  expect(result.metadata).toMatchObject(variantSize)
  const data = await sharp(result.file).raw().toBuffer()
  return [Math.min(...data), Math.max(...data)]
}

describe('gray values of limited range', () => {
  test.each([8, 10, 12] as const)('of %d bits are expanded to black and white', async (bits) => {
    for (const inStages of [true, false]) {
      const [black, white] = await rangeOf(await grayAvif(16, 235, 'limited', bits), inStages)
      expect([black <= 1, white >= 254]).toEqual([true, true])
    }
  })

  test('outside the range are clipped to black and white', async () => {
    expect(await rangeOf(await grayAvif(0, 255, 'limited'), true)).toEqual([0, 255])
  })

  test('of full range stay as they are', async () => {
    const [black, white] = await rangeOf(await grayAvif(16, 235, 'full'), true)
    expect([Math.abs(black - 16) <= 1, Math.abs(white - 235) <= 1]).toEqual([true, true])
  })
})

describe('a sequence', () => {
  const branded = async (still: boolean) => {
    const file = Buffer.from(await sequence(3, still))
    file.write('avis', 8, 'latin1')
    return file
  }

  test('gives its still image, with stages and without', async () => {
    for (const inStages of [true, false]) {
      const { metadata } = await harness.transform(await branded(true), 'format:png', { inStages })
      expect(metadata).toMatchObject({ width: 64, height: 64 })
    }
  })

  test('gives its still image from a file too large for memory', async () => {
    const long = Buffer.concat([await branded(true), Buffer.from([0, 0x20, 0, 0]), Buffer.from('free')])
    const { metadata } = await harness.transform(
      Buffer.concat([long, Buffer.alloc(0x20_0000 - 8)]),
      'format:png',
    )
    expect(metadata).toMatchObject({ width: 64, height: 64 })
  })

  test('that is truncated is damaged: it may have had a still image', async () => {
    const file = await branded(false)
    for (const part of [3, 6, 9, 12, 15]) {
      const cut = file.subarray(0, (file.length * part) / 16)
      expect([part, (await harness.faultOf(cut, 'format:png')).code]).toEqual([part, 'corrupt_image'])
    }
  })

  test('without a still image is unsupported', async () => {
    const fault = await harness.faultOf(await branded(false), 'format:png')
    expect(fault.report()).toMatchObject({
      code: 'unsupported_format',
      detail: 'AVIF sequence without a still image is not supported.',
      remedy: expect.any(String),
    })
  })
})

test('premultiplied transparency is unsupported, because its colours would be too dark', async () => {
  const fault = await harness.faultOf(await premultipliedAvif(), 'format:png')
  expect(fault.report()).toMatchObject({
    code: 'unsupported_format',
    detail: 'AVIF with premultiplied transparency is not supported.',
  })
})

test('layers that cannot be decoded are unsupported, and other damage is damage', async () => {
  for (const inStages of [true, false]) {
    const layered = await harness.faultOf(await undecodableAvif(true), 'format:png', { inStages })
    expect([layered.code, layered.message]).toEqual([
      'unsupported_format',
      'Layered (progressive) AVIF is not supported.',
    ])
    const damaged = await harness.faultOf(await undecodableAvif(false), 'format:png', { inStages })
    expect(damaged.code).toBe('corrupt_image')
  }
})
