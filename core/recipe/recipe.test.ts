import { describe, expect, test } from 'bun:test'
import { Fault } from '../fault.ts'
import { catalogue } from '../operations/index.ts'
import { maxOutputs, maxSteps } from './create-catalogue.ts'
import { outputNames, parseRecipe, recipe } from './recipe.ts'

/** The report of the fault that parsing throws. */
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
  test('has every default, so that its meaning does not change with a default', () => {
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

  test('is unchanged when it is parsed again', () => {
    const parsed = parseRecipe('orient:false/resize:800x600:cover:attention/rotate:3:fc0/format:avif:60')
    expect(parseRecipe(parsed)).toEqual(parsed)
    expect(recipe.parse(JSON.parse(JSON.stringify(parsed)))).toEqual(parsed)
  })

  test('may be empty', () => {
    expect(parseRecipe({ steps: [] })).toEqual({ steps: [] })
    expect(parseRecipe('')).toEqual({ steps: [] })
  })

  test('names its outputs', () => {
    expect(outputNames(parseRecipe('resize:800'))).toEqual(['default'])
    const two = { steps: [], outputs: { large: { steps: [] }, thumb: { steps: [{ op: 'flip' }] } } }
    expect(outputNames(parseRecipe(two))).toEqual(['large', 'thumb'])
  })

  test('is limited in steps, outputs and length', () => {
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

describe('the fault names the step, the parameter, the allowed values and the remedy', () => {
  test.each([
    [
      'a value out of range',
      { steps: [{ op: 'flip' }, { op: 'blur', sigma: 5000 }] },
      'steps[1].sigma',
      'Step 2 (blur): sigma must be a number from 0.3 to 250, got 5000.',
      'Set sigma to a number from 0.3 to 250.',
    ],
    [
      'a value out of range in text form',
      'flip/blur:5000',
      'steps[1].sigma',
      'Step 2 (blur): sigma must be a number from 0.3 to 250, got 5000.',
      'Set sigma to a number from 0.3 to 250.',
    ],
    [
      'text instead of a number',
      'blur:strong',
      'steps[0].sigma',
      'Step 1 (blur): sigma must be a number from 0.3 to 250, got "strong".',
      'Set sigma to a number from 0.3 to 250.',
    ],
    [
      'an unknown choice',
      'resize:800:cower',
      'steps[0].fit',
      'Step 1 (resize): fit must be one of inside, cover, contain, fill, outside, got "cower".',
      'Set fit to one of inside, cover, contain, fill, outside.',
    ],
    [
      'an invalid colour',
      'rotate:5:reddish',
      'steps[0].background',
      'Step 1 (rotate): background must be a colour such as #ffcc00, white or transparent, got "reddish".',
      'Set background to a colour such as #ffcc00, white or transparent.',
    ],
    [
      'an invalid boolean',
      { steps: [{ op: 'resize', width: 8, enlarge: 'yes' }] },
      'steps[0].enlarge',
      'Step 1 (resize): enlarge must be true or false, got "yes".',
      'Set enlarge to true or false.',
    ],
    [
      'a missing parameter',
      'crop:1:2:3',
      'steps[0].height',
      'Step 1 (crop): height is missing.',
      'Set height to a whole number from 1 to 65535.',
    ],
    [
      'an unknown parameter',
      'blur:sigm=3',
      'steps[0].sigm',
      'Step 1 (blur): unknown parameter "sigm".',
      'Did you mean sigma? Parameters of blur: sigma.',
    ],
    [
      'a parameter for an operation without parameters',
      { steps: [{ op: 'flip', by: 1 }] },
      'steps[0].by',
      'Step 1 (flip): unknown parameter "by".',
      'Remove it: flip has no parameters.',
    ],
    [
      'a step of an output',
      { steps: [], outputs: { thumb: { steps: [{ op: 'resize', width: -1 }] } } },
      'outputs.thumb.steps[0].width',
      'Step 1 of output thumb (resize): width must be a whole number from 1 to 65535, got -1.',
      'Set width to a whole number from 1 to 65535.',
    ],
    [
      'neither width nor height',
      'resize',
      'steps[0].width',
      'Step 1 (resize): width and height are both missing.',
      'Set width, height or both to a whole number from 1 to 65535.',
    ],
    [
      'parameters that exclude each other',
      'format:jpeg:lossless',
      'steps[0].lossless',
      'Step 1 (format): lossless is not supported for JPEG.',
      'Set type to png, webp or avif, or remove lossless.',
    ],
    [
      'orient after another step',
      'flip/orient',
      'steps[1]',
      'Step 2 (orient): this operation must be the first step.',
      'Move it to the beginning and use it only once.',
    ],
    [
      'format before another step',
      'format:webp/flip',
      'steps[0]',
      'Step 1 (format): this operation must be the last step.',
      'Move it to the end and use it only once.',
    ],
    [
      'a shared format before the steps of an output',
      { steps: [{ op: 'format' }], outputs: { a: { steps: [{ op: 'flip' }] } } },
      'steps[0]',
      'Step 1 (format): this operation must be the last step.',
      'Move it to the end and use it only once.',
    ],
    [
      'an extra value',
      'blur:3:4',
      'steps[0]',
      'Step 1 (blur): unexpected value "4".',
      'Use the form blur[:sigma].',
    ],
    [
      'a wrong value before an extra one',
      'resize:1:2:3:4:5',
      'steps[0].fit',
      'Step 1 (resize): fit must be one of inside, cover, contain, fill, outside, got "2".',
      'Set fit to one of inside, cover, contain, fill, outside.',
    ],
    [
      'a parameter set twice',
      'blur:3:sigma=4',
      'steps[0].sigma',
      'Step 1 (blur): sigma is set twice.',
      'Set sigma once.',
    ],
    [
      'an empty step',
      'flip//flop',
      'steps[1]',
      'Step 2 is empty.',
      'Write an operation between the slashes, or remove the extra slash.',
    ],
    [
      'invalid percent-encoding',
      'blur:100%',
      'steps[0]',
      '"100%" is not valid percent-encoding.',
      'Write a literal percent sign as %25.',
    ],
    [
      'an invalid size',
      'resize:1x2x3',
      'steps[0]',
      'Step 1 (resize): "1x2x3" does not have the form <width>x<height>.',
      'Use the form resize:<width>x<height>[:fit][:position][:name=value].',
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
      detail: `Step 2: unknown operation "${typed}".`,
      remedy: `Did you mean ${meant}? Available operations: ${catalogue.names.join(', ')}.`,
    })
  })

  test.each([
    [null, undefined, 'null'],
    [[], undefined, 'a list'],
    [7, undefined, '7'],
    [{}, 'steps', 'is missing'],
    [{ steps: 'flip' }, 'steps', '"flip"'],
    [{ steps: ['flip'] }, 'steps[0]', 'an object with the field op'],
    [{ steps: [{}] }, 'steps[0].op', 'has no op'],
    [{ steps: [{ op: 7 }] }, 'steps[0].op', 'unknown operation 7'],
    [{ steps: [], output: {} }, 'output', 'nknown field "output" in the recipe'],
    [{ steps: [], outputs: {} }, 'outputs', 'empty'],
    [{ steps: [], outputs: [] }, 'outputs', 'a list'],
    [{ steps: [], outputs: { 'My thumb': { steps: [] } } }, 'outputs.My thumb', 'not a valid output name'],
    [{ steps: [], outputs: { a: {} } }, 'outputs.a.steps', 'is missing'],
    [
      { steps: [], outputs: { a: { steps: [], step: 1 } } },
      'outputs.a.step',
      'nknown field "step" in output a',
    ],
    [JSON.parse('{"steps":[{"op":"constructor"}]}'), 'steps[0].op', 'unknown operation "constructor"'],
    ['blur:constructor=1', 'steps[0].constructor', 'unknown parameter'],
  ])('%j is not a recipe', (input: unknown, field, words) => {
    const fault = faultOf(input)
    expect(fault.code).toBe('invalid_recipe')
    expect(fault.field).toBe(field)
    expect(fault.detail).toContain(words)
    expect(fault.remedy).toMatch(/\.$/)
  })

  const shared = 'Add "steps": [] beside "outputs"; steps in this list apply to every output.'
  const example = { steps: [{ op: 'flip' }] }
  test.each([
    [{ stps: [] }, 'stps', 'Did you mean steps? Known fields: steps, outputs.'],
    [{ stps: [], outputs: { a: example } }, 'stps', 'Did you mean steps? Known fields: steps, outputs.'],
    [{ outputs: { a: example } }, 'steps', shared],
    [
      { steps: [], outputs: { a: {} } },
      'outputs.a.steps',
      'Add "steps" to output a, or "steps": [] for the shared steps alone.',
    ],
    [
      { steps: [], outputs: { a: { step: [] } } },
      'outputs.a.step',
      'Did you mean steps? Known fields: steps.',
    ],
    [
      { steps: [{ op: 'crop', left: 0, top: 0, widt: 9, height: 9 }] },
      'steps[0].widt',
      'Did you mean width? Parameters of crop: left, top, width, height.',
    ],
    [{ steps: [{ opp: 'flip' }] }, 'steps[0].opp', expect.stringMatching(/^Did you mean op\? Available/)],
  ])('%j: the remedy names the field to correct and keeps the rest', (input: unknown, field, remedy) => {
    expect(faultOf(input)).toMatchObject({ code: 'invalid_recipe', field, remedy })
  })

  test('a long value is truncated', () => {
    expect(faultOf({ steps: [{ op: 'x'.repeat(5000) }] }).detail.length).toBeLessThan(120)
  })
})
