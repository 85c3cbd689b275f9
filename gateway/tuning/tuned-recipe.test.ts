import { describe, expect, test } from 'bun:test'
import { Fault, type FaultReport } from '@pixelflow/core/fault'
import { parseRecipe } from '@pixelflow/core/recipe/recipe'
import {
  clientMessage,
  type ApplyMessage,
  type ChangeMessage,
  type OpenMessage,
  type ClientMessageInput,
} from '@pixelflow/core/tune/client-message'
import { createTunedRecipe } from './tuned-recipe.ts'

const image = '01890a5d-ac96-774b-bcce-b302099a8057'
const message = <T>(input: ClientMessageInput) => clientMessage.parse(input) as T
const begin = (recipe: unknown, output?: string) =>
  createTunedRecipe(
    message<OpenMessage>({
      type: 'open',
      image,
      recipe: recipe as string,
      ...(output === undefined ? {} : { output }),
    }),
  )
const change = (rest: object) => message<ChangeMessage>({ type: 'change', ...rest } as ClientMessageInput)
const apply = (sequence?: number) =>
  message<ApplyMessage>({ type: 'apply', ...(sequence === undefined ? {} : { sequence }) })

function refusal(act: () => unknown): FaultReport {
  try {
    act()
  } catch (thrown) {
    return Fault.of(thrown).report()
  }
  throw new Error('expected a fault')
}

const two = { steps: [], outputs: { a: { steps: [] }, b: { steps: [{ op: 'blur' }] } } }

describe('the recipe', () => {
  test('follows the changes; an invalid change changes nothing', () => {
    const tuned = begin('blur:3')
    expect(tuned.request).toEqual({ sequence: 0, recipe: parseRecipe('blur:3'), output: 'default' })
    tuned.change(change({ sequence: 5, set: { 'steps[0].sigma': 4 } }))
    expect(refusal(() => tuned.change(change({ sequence: 6, recipe: 'blur:0' }))).code).toBe('invalid_recipe')
    expect(refusal(() => tuned.change(change({ sequence: 6, recipe: 'blur:9' })))).toMatchObject({
      field: 'sequence',
    })
    expect(tuned.request).toEqual({ sequence: 5, recipe: parseRecipe('blur:4'), output: 'default' })
    tuned.change(change({ sequence: 7, set: { 'steps[0].sigma': null } }))
    expect(tuned.request.recipe).toEqual(parseRecipe('blur'))
  })

  test('is previewed with the requested output, or the first one', () => {
    expect(begin(two).request.output).toBe('a')
    const tuned = begin(two, 'b')
    expect(tuned.request.output).toBe('b')
    expect(tuned.change(change({ sequence: 1, set: { 'outputs.b.steps[0].sigma': 5 } })).output).toBe('b')
    expect(tuned.change(change({ sequence: 2, output: 'a' })).output).toBe('a')
    expect(tuned.change(change({ sequence: 3, recipe: 'flip' })).output).toBe('default')
    expect(refusal(() => tuned.change(change({ sequence: 4, output: 'b' })))).toMatchObject({
      field: 'output',
    })
    expect(refusal(() => begin(two, 'c'))).toMatchObject({
      code: 'invalid_recipe',
      remedy: 'Set output to one of a, b.',
    })
  })
})

describe('applying', () => {
  test('returns the current recipe when the sequence matches', () => {
    const tuned = begin('blur:3')
    expect(tuned.requireApplicable(apply())).toEqual(parseRecipe('blur:3'))
    expect(tuned.requireApplicable(apply(0))).toEqual(parseRecipe('blur:3'))
    tuned.change(change({ sequence: 2, recipe: 'flip' }))
    expect(tuned.requireApplicable(apply(2))).toEqual(parseRecipe('flip'))
    expect(refusal(() => tuned.requireApplicable(apply(0))).code).toBe('precondition_failed')
    expect(refusal(() => tuned.requireApplicable(apply(3))).code).toBe('precondition_failed')
  })

  test('is refused while the recipe fails, until another change', () => {
    const tuned = begin('blur:3')
    tuned.change(change({ sequence: 1, recipe: 'crop:0:0:9999:9' }))
    tuned.refuse(1, { code: 'deadline_exceeded', detail: 'too slow' })
    expect(tuned.requireApplicable(apply()).steps).toHaveLength(1)
    tuned.refuse(0, { code: 'processing_failed', detail: 'of another' })
    expect(tuned.requireApplicable(apply()).steps).toHaveLength(1)
    tuned.refuse(1, { code: 'processing_failed', detail: 'it reaches outside.', field: 'steps[0].width' })
    expect(refusal(() => tuned.requireApplicable(apply()))).toMatchObject({
      code: 'precondition_failed',
      detail: 'The current recipe cannot be applied to this image.',
      field: 'steps[0].width',
    })
    tuned.change(change({ sequence: 2, set: { 'steps[0].width': 10 } }))
    expect(tuned.requireApplicable(apply(2)).steps).toMatchObject([{ width: 10 }])
  })
})
