import { describe, expect, test } from 'bun:test'
import { z } from 'zod'
import { blur } from '../operations/blur.ts'
import { defaultFormat } from '../operations/format.ts'
import { pictureOperation } from './operation.ts'
import { imageReference } from '../operations/parameters/image-reference.ts'
import { createCatalogue } from './create-catalogue.ts'
import { parseWith } from './parse-with.ts'
import { plan } from './plan.ts'
import { parseRecipe } from './recipe.ts'

const only = (text: string) => {
  const [output] = plan(parseRecipe(text)).outputs
  if (output === undefined) throw new Error('no output')
  return output
}

/** The operations of each pass. */
const passesIn = (text: string) => only(text).passes.map((pass) => pass.map(({ step }) => step.op).join(' '))

describe('passes', () => {
  test.each([
    ['', []],
    ['format:webp', []],
    ['resize:800', ['resize']],
    ['resize:800x600:cover/blur/sharpen/format:webp', ['resize blur sharpen']],
    ['crop:0:0:9:9/grayscale/resize:5', ['crop grayscale resize']],
    ['rotate:90/resize:800/sharpen', ['rotate resize sharpen']],
    ['rotate:2/resize:800/sharpen', ['rotate resize sharpen']],
    ['resize:800/rotate:90/crop:0:0:9:9', ['resize rotate crop']],
    ['blur/resize:800', ['blur', 'resize']],
    ['resize:800/grayscale', ['resize', 'grayscale']],
    ['flip/resize:800', ['flip', 'resize']],
    ['resize:800/resize:400', ['resize', 'resize']],
    ['flip/flip', ['flip', 'flip']],
    ['resize:8x8:contain/blur', ['resize', 'blur']],
    ['resize:8:contain/blur', ['resize blur']],
    ['resize:800/rotate:3/blur', ['resize', 'rotate', 'blur']],
  ])('%s', (text, expected) => {
    expect(passesIn(text)).toEqual(expected)
  })

  test('omit steps that change nothing', () => {
    expect(passesIn('blur/rotate:0/sharpen/rotate:360')).toEqual(['blur sharpen'])
    expect(passesIn('rotate:0')).toEqual([])
  })

  test('contain all other steps, in order', () => {
    const text = 'flop/sharpen/crop:0:0:9:9/blur/resize:5/rotate:7/flip/grayscale/crop:0:0:1:1/rotate:90'
    expect(passesIn(text).join(' ')).toBe('flop sharpen crop blur resize rotate flip grayscale crop rotate')
  })
})

describe('an output', () => {
  test('is turned upright and has the default format', () => {
    expect(only('resize:8')).toMatchObject({
      name: 'default',
      source: { orient: true },
      format: defaultFormat,
    })
    expect(only('resize:8')).not.toHaveProperty('formatField')
  })

  test('has the parameters of the orient and format steps', () => {
    const output = only('orient:false/resize:8/format:avif:60')
    expect(output.source.orient).toBe(false)
    expect(output.format).toEqual({ ...defaultFormat, type: 'avif', quality: 60 })
    expect(output.formatField).toBe('steps[2]')
    expect(only('orient/flip').source.orient).toBe(true)
  })

  test('has the shared steps first, which can fuse with its own', () => {
    const recipe = parseRecipe({
      steps: [{ op: 'resize', width: 800 }],
      outputs: {
        soft: { steps: [{ op: 'blur' }] },
        gray: { steps: [{ op: 'grayscale' }, { op: 'format' }] },
      },
    })
    const outputs = plan(recipe).outputs.map(({ name, passes }) => [
      name,
      passes.map((pass) => pass.map(({ field }) => field)),
    ])
    expect(outputs).toEqual([
      ['soft', [['steps[0]', 'outputs.soft.steps[0]']]],
      ['gray', [['steps[0]'], ['outputs.gray.steps[0]']]],
    ])
  })

  test('has the path of each step', () => {
    const recipe = parseRecipe({ steps: [], outputs: { thumb: { steps: [{ op: 'flip' }] } } })
    expect(plan(recipe).outputs[0]?.passes[0]?.[0]).toMatchObject({
      field: 'outputs.thumb.steps[0]',
    })
  })
})

describe('images', () => {
  const overlay = pictureOperation({
    schema: z.strictObject({
      op: z.literal('overlay'),
      image: imageReference('Image', 'What is laid over.'),
      mask: imageReference('Mask', 'Where it shows.').optional(),
    }),
    title: 'Overlay',
    summary: 'Lays another image over.',
    section: 'composite',
    positional: ['image'],
    examples: [],
    slot: () => 'blur',
    after: (_, before) => before,
    apply: (pipeline) => pipeline,
  })
  const catalogue = createCatalogue([overlay, blur])
  const ids = ['1', '2', '3'].map((digit) => `01900000-0000-7000-8000-00000000000${digit}`)

  test('are collected from all steps and outputs, each once', () => {
    const [a, b, c] = ids
    const recipe = parseWith(
      {
        steps: [{ op: 'overlay', image: a }, { op: 'blur' }],
        outputs: {
          x: { steps: [{ op: 'overlay', image: b, mask: a }] },
          y: { steps: [{ op: 'overlay', image: c }] },
        },
      },
      catalogue,
    )
    expect(plan(recipe, catalogue).images).toEqual([a, b, c] as string[])
    expect(plan(parseWith(`overlay:${a}`, catalogue), catalogue).images).toEqual([a] as string[])
  })

  test('are empty if no step refers to one', () => {
    expect(plan(parseRecipe('resize:800')).images).toEqual([])
  })

  test('an invalid reference is rejected like any invalid parameter', () => {
    expect(() => parseWith('overlay:mine', catalogue)).toThrow(
      'Step 1 (overlay): image must be the id of an image, got "mine".',
    )
  })

  test('a catalogue contains only its own operations', () => {
    expect(() => parseWith('resize:800', catalogue)).toThrow('unknown operation "resize"')
  })
})
