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
const said = <T>(input: ClientMessageInput) => clientMessage.parse(input) as T
const begin = (recipe: unknown, output?: string) =>
  createTunedRecipe(
    said<OpenMessage>({
      type: 'open',
      image,
      recipe: recipe as string,
      ...(output === undefined ? {} : { output }),
    }),
  )
const change = (rest: object) => said<ChangeMessage>({ type: 'change', ...rest } as ClientMessageInput)
const apply = (sequence?: number) =>
  said<ApplyMessage>({ type: 'apply', ...(sequence === undefined ? {} : { sequence }) })

function refusal(act: () => unknown): FaultReport {
  try {
    act()
  } catch (thrown) {
    return Fault.of(thrown).report()
  }
  throw new Error('it was not refused')
}

const two = { steps: [], outputs: { a: { steps: [] }, b: { steps: [{ op: 'blur' }] } } }

describe('the recipe', () => {
  test('follows the changes, and what is refused changes nothing', () => {
    const truth = begin('blur:3')
    expect(truth.order).toEqual({ sequence: 0, recipe: parseRecipe('blur:3'), output: 'default' })
    truth.change(change({ sequence: 5, set: { 'steps[0].sigma': 4 } }))
    expect(refusal(() => truth.change(change({ sequence: 6, recipe: 'blur:0' }))).code).toBe('invalid_recipe')
    expect(refusal(() => truth.change(change({ sequence: 6, recipe: 'blur:9' })))).toMatchObject({
      field: 'sequence',
    })
    expect(truth.order).toEqual({ sequence: 5, recipe: parseRecipe('blur:4'), output: 'default' })
    truth.change(change({ sequence: 7, set: { 'steps[0].sigma': null } }))
    expect(truth.order.recipe).toEqual(parseRecipe('blur'))
  })

  test('is shown by the output asked for, or the first', () => {
    expect(begin(two).order.output).toBe('a')
    const truth = begin(two, 'b')
    expect(truth.order.output).toBe('b')
    expect(truth.change(change({ sequence: 1, set: { 'outputs.b.steps[0].sigma': 5 } })).output).toBe('b')
    expect(truth.change(change({ sequence: 2, output: 'a' })).output).toBe('a')
    expect(truth.change(change({ sequence: 3, recipe: 'flip' })).output).toBe('default')
    expect(refusal(() => truth.change(change({ sequence: 4, output: 'b' })))).toMatchObject({
      field: 'output',
    })
    expect(refusal(() => begin(two, 'c'))).toMatchObject({
      code: 'invalid_recipe',
      remedy: 'It makes: a, b.',
    })
  })
})

describe('applying', () => {
  test('takes the recipe as it is, if it is the one that is meant', () => {
    const truth = begin('blur:3')
    expect(truth.applied(apply())).toEqual(parseRecipe('blur:3'))
    expect(truth.applied(apply(0))).toEqual(parseRecipe('blur:3'))
    truth.change(change({ sequence: 2, recipe: 'flip' }))
    expect(truth.applied(apply(2))).toEqual(parseRecipe('flip'))
    expect(refusal(() => truth.applied(apply(0))).code).toBe('precondition_failed')
    expect(refusal(() => truth.applied(apply(3))).code).toBe('precondition_failed')
  })

  test('is refused while the recipe cannot be done, until another change', () => {
    const truth = begin('blur:3')
    truth.change(change({ sequence: 1, recipe: 'crop:0:0:9999:9' }))
    truth.refuse(1, { code: 'deadline_exceeded', detail: 'too slow' })
    expect(truth.applied(apply()).steps).toHaveLength(1)
    truth.refuse(0, { code: 'processing_failed', detail: 'of another' })
    expect(truth.applied(apply()).steps).toHaveLength(1)
    truth.refuse(1, { code: 'processing_failed', detail: 'it reaches outside.', field: 'steps[0].width' })
    expect(refusal(() => truth.applied(apply()))).toMatchObject({
      code: 'precondition_failed',
      detail: 'The recipe cannot be done to this picture: it reaches outside.',
      field: 'steps[0].width',
    })
    truth.change(change({ sequence: 2, set: { 'steps[0].width': 10 } }))
    expect(truth.applied(apply(2)).steps).toMatchObject([{ width: 10 }])
  })
})
