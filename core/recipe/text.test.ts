import { describe, expect, test } from 'bun:test'
import * as fc from 'fast-check'
import { z } from 'zod'
import { catalogue, operations, type Step } from '../operations/index.ts'
import { pictureOperation } from './operation.ts'
import { imageReference } from '../operations/parameters/image-reference.ts'
import { createCatalogue } from './create-catalogue.ts'
import { parseWith } from './parse-with.ts'
import { parseRecipe, type Recipe } from './recipe.ts'
import { arbitraryStep } from './testing/arbitrary-step.ts'
import { parseText, printText } from './text.ts'
import { writeText } from './write-text.ts'

const stepOf = (text: string) => parseText(text).steps[0]

describe('parsing', () => {
  test('accepts sizes', () => {
    expect(stepOf('resize:800')).toMatchObject({ op: 'resize', width: 800 })
    expect(stepOf('resize:800')).not.toHaveProperty('height')
    expect(stepOf('resize:800x')).not.toHaveProperty('height')
    expect(stepOf('resize:x600')).toMatchObject({ height: 600 })
    expect(stepOf('resize:x600')).not.toHaveProperty('width')
    expect(stepOf('resize:800x600:cover')).toMatchObject({ width: 800, height: 600, fit: 'cover' })
    expect(stepOf('resize:height=5:width=4')).toMatchObject({ width: 4, height: 5 })
  })

  test('accepts positional, named, boolean and omitted values', () => {
    expect(stepOf('crop:1:2:3:4')).toEqual({ op: 'crop', left: 1, top: 2, width: 3, height: 4 })
    expect(stepOf('crop:1:2:height=4:width=3')).toEqual({ op: 'crop', left: 1, top: 2, width: 3, height: 4 })
    expect(stepOf('format::80')).toMatchObject({ quality: 80 })
    expect(stepOf('format:webp:lossless')).toMatchObject({ type: 'webp', lossless: true })
    expect(stepOf('resize:9:enlarge:fill')).toMatchObject({ enlarge: true, fit: 'fill' })
    expect(stepOf('orient:false')).toEqual({ op: 'orient', auto: false })
    expect(stepOf('format:subsampling=444')).toMatchObject({ subsampling: '444' })
  })

  test('accepts percent-encoding, spaces and number formats', () => {
    expect(stepOf('rotate:%2D90:%23ffcc00')).toEqual({ op: 'rotate', angle: -90, background: '#ffcc00' })
    expect(parseText(' resize:800 / blur: 2.50 ')).toEqual(parseText('resize:800/blur:2.5'))
    expect(stepOf('blur:25e-1')).toEqual({ op: 'blur', sigma: 2.5 })
    expect(stepOf('blur:.5')).toEqual({ op: 'blur', sigma: 0.5 })
  })
})

describe('printing', () => {
  test.each([
    ['resize:800x600:cover/blur:2.5/format:webp:quality=80', 'resize:800x600:cover/blur:2.5/format:webp:80'],
    ['blur:3', 'blur'],
    ['orient:auto=false', 'orient:false'],
    ['resize:width=800:fit=inside', 'resize:800'],
    ['resize:x600:position=top', 'resize:x600:position=top'],
    ['rotate:10:#FFCC00', 'rotate:10:ffcc00'],
    ['format:quality=70:lossless=true', 'format:quality=70:lossless'],
  ])('%s becomes %s', (text, short) => {
    expect(printText(parseText(text))).toBe(short)
  })

  test('gives null for named outputs, even for one named default', () => {
    expect(printText(parseRecipe({ steps: [], outputs: { default: { steps: [] } } }))).toBeNull()
  })
})

describe('printed text parses to the same recipe', () => {
  test('for random recipes', () => {
    fc.assert(
      fc.property(recipes(), (recipe) => {
        expect(parseText(printText(recipe) ?? 'null')).toEqual(recipe)
      }),
      { numRuns: 1500, seed: 20_261_114 },
    )
  })

  test('for any text in a value', () => {
    const label = pictureOperation({
      schema: z.strictObject({
        op: z.literal('label'),
        text: z.string().meta({ title: 'Text', description: 'What to write.' }),
        over: imageReference('Over', 'Another image.').optional(),
      }),
      title: 'Label',
      summary: 'Writes text.',
      section: 'composite',
      positional: ['text'],
      examples: [],
      slot: () => null,
      after: (_, before) => before,
      apply: (pipeline) => pipeline,
    })
    const labels = createCatalogue([label])
    const text = fc.string({ unit: 'grapheme', minLength: 1 }).filter((text) => text.trim() === text)
    fc.assert(
      fc.property(fc.oneof(text, fc.constantFrom('a/b', 'a:b', 'a=b', '100%', '%2F', '', 'x y')), (text) => {
        const recipe = parseWith({ steps: [{ op: 'label', text }] }, labels)
        if (text === '') return
        expect(parseWith(writeText(recipe, labels), labels)).toEqual(recipe)
      }),
      { numRuns: 1000, seed: 20_261_114 },
    )
  })
})

test('random text is parsed or rejected with invalid_recipe', () => {
  const piece = fc.constantFrom(
    ...catalogue.names,
    ':',
    '/',
    '=',
    '%',
    'x',
    '800',
    '-1',
    'sigma',
    'fit',
    'cover',
    '#',
  )
  fc.assert(
    fc.property(
      fc.oneof(
        fc.string(),
        fc.array(piece).map((pieces) => pieces.join('')),
      ),
      (text) => {
        try {
          parseText(text)
        } catch (thrown) {
          expect(thrown).toMatchObject({ name: 'Fault', code: 'invalid_recipe' })
        }
      },
    ),
    { numRuns: 2000, seed: 20_261_114 },
  )
})

/** Random recipes, generated from the published schemas, so that new operations are included automatically. */
function recipes(): fc.Arbitrary<Recipe> {
  const of = (place: 'first' | 'any' | 'last') =>
    fc.oneof(
      ...operations.filter((one) => one.place === place).map((one) => steps(one.schema.shape.op.value)),
    )
  const any = fc.array(of('any'), { maxLength: 6 })
  return fc
    .tuple(fc.option(of('first')), any, fc.option(of('last')))
    .map(([first, middle, last]) => ({ steps: [first, ...middle, last].filter((step) => step !== null) }))
}

function steps(name: string): fc.Arbitrary<Step> {
  const schema = catalogue.get(name)?.schema
  return arbitraryStep(name)
    .map((step) => schema?.safeParse(step).data)
    .filter((step) => step !== undefined)
}
