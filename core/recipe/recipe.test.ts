import { describe, expect, test } from 'bun:test'
import { Fault } from '../fault.ts'
import { maxOutputs, maxSteps } from './create-catalogue.ts'
import { outputNames, parseRecipe, recipe } from './recipe.ts'

/** The report of the fault that parsing gives, its field and words. */
function faultOf(input: unknown) {
  try {
    parseRecipe(input)
  } catch (thrown) {
    if (thrown instanceof Fault) return thrown.report()
    throw thrown
  }
  throw new Error(`it was accepted: ${JSON.stringify(input)}`)
}

const flips = (count: number) => Array.from({ length: count }, () => ({ op: 'flip' }))

describe('a recipe', () => {
  test('has every default filled in, so that it means the same for ever', () => {
    expect(parseRecipe({ steps: [{ op: 'blur' }, { op: 'format', type: 'webp' }] })).toEqual({
      steps: [
        { op: 'blur', sigma: 3 },
        {
          op: 'format',
          type: 'webp',
          lossless: false,
          progressive: false,
          metadata: 'strip',
          colorspace: 'srgb',
          background: '#ffffff',
        },
      ],
    })
  })

  test('is the same once parsed and parsed again', () => {
    const once = parseRecipe('orient:false/resize:800x600:cover:attention/rotate:3:fc0/format:avif:60')
    expect(parseRecipe(once)).toEqual(once)
    expect(recipe.parse(JSON.parse(JSON.stringify(once)))).toEqual(once)
  })

  test('may have no steps: then only the defaults apply', () => {
    expect(parseRecipe({ steps: [] })).toEqual({ steps: [] })
    expect(parseRecipe('')).toEqual({ steps: [] })
  })

  test('names its outputs', () => {
    expect(outputNames(parseRecipe('resize:800'))).toEqual(['default'])
    const two = { steps: [], outputs: { large: { steps: [] }, thumb: { steps: [{ op: 'flip' }] } } }
    expect(outputNames(parseRecipe(two))).toEqual(['large', 'thumb'])
  })

  test('is bounded', () => {
    const outputs = (count: number) =>
      Object.fromEntries(Array.from({ length: count }, (_, i) => [`o${i}`, { steps: [] }]))
    expect(() => parseRecipe({ steps: flips(maxSteps), outputs: outputs(maxOutputs) })).not.toThrow()
    expect(faultOf({ steps: flips(maxSteps + 1) })).toMatchObject({ field: 'steps' })
    expect(faultOf({ steps: [], outputs: outputs(maxOutputs + 1) })).toMatchObject({ field: 'outputs' })
    expect(faultOf({ steps: flips(maxSteps), outputs: { a: { steps: flips(1) } } })).toMatchObject({
      field: 'outputs.a.steps[0]',
    })
    expect(faultOf('flip/'.repeat(10_000))).toMatchObject({
      detail: expect.stringContaining('50000 characters'),
    })
  })
})

describe('a mistake names step, parameter, range and remedy', () => {
  test.each([
    [
      'a value out of range',
      { steps: [{ op: 'flip' }, { op: 'blur', sigma: 5000 }] },
      'steps[1].sigma',
      'Step 2 (blur): sigma must be a number from 0.3 to 250, not 5000.',
      'Give sigma a number from 0.3 to 250.',
    ],
    [
      'the same in text',
      'flip/blur:5000',
      'steps[1].sigma',
      'Step 2 (blur): sigma must be a number from 0.3 to 250, not 5000.',
      'Give sigma a number from 0.3 to 250.',
    ],
    [
      'text where a number belongs',
      'blur:strong',
      'steps[0].sigma',
      'Step 1 (blur): sigma must be a number from 0.3 to 250, not "strong".',
      'Give sigma a number from 0.3 to 250.',
    ],
    [
      'a choice there is not',
      'resize:800:cower',
      'steps[0].fit',
      'Step 1 (resize): fit must be one of inside, cover, contain, fill, outside, not "cower".',
      'Give fit one of inside, cover, contain, fill, outside.',
    ],
    [
      'a colour that is none',
      'rotate:5:reddish',
      'steps[0].background',
      'Step 1 (rotate): background must be a colour such as #ffcc00, white or transparent, not "reddish".',
      'Give background a colour such as #ffcc00, white or transparent.',
    ],
    [
      'a switch that is none',
      { steps: [{ op: 'resize', width: 8, enlarge: 'yes' }] },
      'steps[0].enlarge',
      'Step 1 (resize): enlarge must be true or false, not "yes".',
      'Give enlarge true or false.',
    ],
    [
      'a missing parameter',
      'crop:1:2:3',
      'steps[0].height',
      'Step 1 (crop): height is missing.',
      'Give height a whole number from 1 to 65535.',
    ],
    [
      'an unknown parameter',
      'blur:sigm=3',
      'steps[0].sigm',
      'Step 1 (blur): there is no parameter "sigm".',
      'Did you mean sigma? It knows: sigma.',
    ],
    [
      'a parameter where there are none',
      { steps: [{ op: 'flip', by: 1 }] },
      'steps[0].by',
      'Step 1 (flip): there is no parameter "by".',
      'flip takes no parameters.',
    ],
    [
      'an output of its own',
      { steps: [], outputs: { thumb: { steps: [{ op: 'resize', width: -1 }] } } },
      'outputs.thumb.steps[0].width',
      'Step 1 of output thumb (resize): width must be a whole number from 1 to 65535, not -1.',
      'Give width a whole number from 1 to 65535.',
    ],
    [
      'neither width nor height',
      'resize',
      'steps[0].width',
      'Step 1 (resize): width or height is needed.',
      'Give width, height or both, from 1 to 65535 pixels.',
    ],
    [
      'a rule between parameters',
      'format:jpeg:lossless',
      'steps[0].lossless',
      'Step 1 (format): JPEG cannot be lossless.',
      'Set type to png, webp or avif, or leave lossless out.',
    ],
    [
      'orient later on',
      'flip/orient',
      'steps[1]',
      'Step 2 (orient): it can only be the first step.',
      'Move it to the beginning, and use it once.',
    ],
    [
      'format before the end',
      'format:webp/flip',
      'steps[0]',
      'Step 1 (format): it can only be the last step.',
      'Move it to the end, and use it once.',
    ],
    [
      'a shared format before the steps of an output',
      { steps: [{ op: 'format' }], outputs: { a: { steps: [{ op: 'flip' }] } } },
      'steps[0]',
      'Step 1 (format): it can only be the last step.',
      'Move it to the end, and use it once.',
    ],
    [
      'a value too many',
      'blur:3:4',
      'steps[0]',
      'Step 1 (blur): "4" is one value too many.',
      'Write blur[:sigma].',
    ],
    [
      'a value given twice',
      'blur:3:sigma=4',
      'steps[0].sigma',
      'Step 1 (blur): sigma is given twice.',
      'Give sigma once.',
    ],
    [
      'an empty step',
      'flip//flop',
      'steps[1]',
      'Step 2 is empty.',
      'Write one operation between two slashes, and no slash at the ends.',
    ],
    [
      'a broken percent sign',
      'blur:100%',
      'steps[0]',
      '"100%" is not percent-encoded properly.',
      'Write a percent sign itself as %25.',
    ],
    [
      'a size of another form',
      'resize:1x2x3',
      'steps[0]',
      'Step 1 (resize): "1x2x3" is not of the form <width>x<height>.',
      'Write resize:<width>x<height>[:fit][:position][:name=value].',
    ],
  ])('%s', (_, input, field, detail, remedy) => {
    expect(faultOf(input)).toEqual({ code: 'invalid_recipe', field, detail, remedy })
  })

  test.each([
    ['blurr', 'blur'],
    ['greyscale', 'grayscale'],
    ['Resize', 'resize'],
    ['rot', 'rotate'],
  ])('an unknown operation %s suggests %s and lists all', (typed, meant) => {
    expect(faultOf(`flip/${typed}:3`)).toEqual({
      code: 'invalid_recipe',
      field: 'steps[1].op',
      detail: `Step 2: there is no operation "${typed}".`,
      remedy: `Did you mean ${meant}? Known operations: orient, resize, crop, rotate, flip, flop, blur, sharpen, grayscale, format.`,
    })
  })

  test.each([
    [null, undefined, 'null'],
    [[], undefined, 'a list'],
    [7, undefined, '7'],
    [{}, 'steps', 'is missing'],
    [{ steps: 'flip' }, 'steps', '"flip"'],
    [{ steps: ['flip'] }, 'steps[0]', 'an object with op'],
    [{ steps: [{}] }, 'steps[0].op', 'names no operation'],
    [{ steps: [{ op: 7 }] }, 'steps[0].op', 'no operation 7'],
    [{ steps: [], output: {} }, 'output', 'steps and outputs'],
    [{ steps: [], outputs: {} }, 'outputs', 'empty'],
    [{ steps: [], outputs: [] }, 'outputs', 'a list'],
    [{ steps: [], outputs: { 'My thumb': { steps: [] } } }, 'outputs.My thumb', 'cannot be the name'],
    [{ steps: [], outputs: { a: {} } }, 'outputs.a.steps', 'is missing'],
    [{ steps: [], outputs: { a: { steps: [], step: 1 } } }, 'outputs.a.step', 'no field "step"'],
    [JSON.parse('{"steps":[{"op":"constructor"}]}'), 'steps[0].op', 'no operation "constructor"'],
    ['blur:constructor=1', 'steps[0].constructor', 'no parameter'],
  ])('%j has not the shape of a recipe', (input: unknown, field, words) => {
    const fault = faultOf(input)
    expect(fault.code).toBe('invalid_recipe')
    expect(fault.field).toBe(field)
    expect(fault.detail).toContain(words)
    expect(fault.remedy).toMatch(/\.$/)
  })

  test('a long value is cut short', () => {
    expect(faultOf({ steps: [{ op: 'x'.repeat(5000) }] }).detail.length).toBeLessThan(120)
  })
})
