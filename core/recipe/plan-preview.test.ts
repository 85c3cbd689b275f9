import { describe, expect, test } from 'bun:test'
import type { Picture } from './operation.ts'
import { plan } from './plan.ts'
import { copySize, planPreview, needsMoreDetail } from './plan-preview.ts'
import { parseRecipe } from './recipe.ts'

const source: Picture = { width: 6000, height: 4000, alpha: false }
const maxPixels = 1_048_576
const copy: Picture = { ...source, ...copySize(source, maxPixels) }

function outputOf(recipe: string) {
  const [output] = plan(parseRecipe(recipe)).outputs
  if (output === undefined) throw new Error('no output')
  return output
}

function previewAs(recipe: string, on = copy) {
  const { output, picture } = planPreview(outputOf(recipe), source, on, maxPixels)
  const steps = output.passes.flat().map(({ step }) => step)
  return { steps, size: [picture.width, picture.height] }
}

test('a copy is as large as the limit allows, and at most as large as the picture', () => {
  expect(copySize(source, maxPixels)).toEqual({ width: 1254, height: 836 })
  expect(copySize({ width: 10, height: 10 }, maxPixels)).toEqual({ width: 10, height: 10 })
  expect(copySize({ width: 60_000, height: 4 }, maxPixels)).toEqual({ width: 8192, height: 1 })
  expect(copySize({ width: 1024, height: 1024 }, maxPixels)).toEqual({ width: 1024, height: 1024 })
})

describe('on a copy', () => {
  test('lengths are scaled, and steps with an effect below one pixel are omitted', () => {
    expect(previewAs('blur:8').steps).toMatchObject([{ op: 'blur', sigma: 8 * (1254 / 6000) }])
    expect(previewAs('sharpen:1').steps).toEqual([])
    expect(previewAs('crop:600:400:3000:2000').steps).toMatchObject([
      { op: 'crop', left: 125, top: 84, width: 627, height: 418 },
    ])
  })

  test('a result smaller than the limit is shown at full size', () => {
    expect(previewAs('resize:800/sharpen:1')).toMatchObject({
      steps: [
        { op: 'resize', width: 800, height: 533 },
        { op: 'sharpen', sigma: 1 },
      ],
      size: [800, 533],
    })
  })

  test('a larger result is scaled to the limit', () => {
    expect(previewAs('resize:4000').size).toEqual([1254, 836])
    const [width = 0, height = 0] = previewAs('rotate:45').size
    expect(width * height).toBeLessThanOrEqual(maxPixels)
  })
})

describe('a copy with more detail', () => {
  test.each([
    ['crop:0:0:600:400', true],
    ['flip/rotate:90/crop:0:0:600:400/resize:300', true],
    ['crop:0:0:5000:4000', false],
    ['crop:0:0:600:400/resize:60', false],
    ['blur:3/crop:0:0:600:400', false],
    ['resize:300', false],
  ])('%s needs it: %p', (recipe, wants) => {
    expect(needsMoreDetail(outputOf(recipe), source, copy, maxPixels)).toBe(wants)
  })

  test('is not needed if the copy has the full size', () => {
    expect(needsMoreDetail(outputOf('crop:0:0:60:40'), source, source, maxPixels)).toBe(false)
  })

  test('is cropped and reduced before slow steps', () => {
    const fine = { ...source, width: 3000, height: 2000 }
    expect(previewAs('crop:0:0:5000:4000/blur:9', fine).steps.map(({ op }) => op)).toEqual([
      'crop',
      'resize',
      'blur',
    ])
  })
})
