import { beforeEach, describe, expect, test } from 'bun:test'
import { openHttp } from '@pixelflow/client'
import { describeOperations } from '@pixelflow/core/operations/index'
import { inLane, moved, renamed, withOutput, withoutLane, withValue } from '../recipe/draft.ts'
import { createRecipes, type Recipes } from './recipe.ts'
import { createServer, type Server } from './server.ts'

let server: Server
let recipes: Recipes

/** The server's real responses, without a network. */
const answers = async (path: string) =>
  Response.json(path.endsWith('/operations') ? describeOperations() : { version: '1', auth: 'none' })

beforeEach(async () => {
  server = createServer(openHttp({ fetch: answers }), { token: () => null, ask: async () => null })
  recipes = createRecipes(server, 'resize:1200/format:webp')
  await server.greet()
  await server.load()
})

const shared = () => recipes.draft.value[0]
const ops = () => shared().steps.map((step) => step.op)
const keyOf = (index: number) => shared().steps[index]?.key ?? -1
const set = (index: number, name: string, value: unknown) =>
  recipes.change((draft) =>
    inLane(draft, shared().key, (steps) => withValue(steps, keyOf(index), name, value)),
  )

describe('changes of the steps', () => {
  test('write the initial text', () => {
    expect(recipes.text.value).toBe('resize:1200/format:webp')
    expect(recipes.ready.value?.body).toEqual({
      steps: [
        { op: 'resize', width: 1200 },
        { op: 'format', type: 'webp' },
      ],
    })
  })

  test('update the text when a value changes or returns to its default', () => {
    set(0, 'height', 600)
    set(0, 'fit', 'cover')
    expect(recipes.text.value).toBe('resize:1200x600:cover/format:webp')
    set(0, 'fit', 'inside')
    set(0, 'width', undefined)
    expect(recipes.text.value).toBe('resize:x600/format:webp')
  })

  test('update the text when a step is moved or removed', () => {
    recipes.add(shared().key, 'blur')
    recipes.change((draft) => inLane(draft, shared().key, (steps) => moved(steps, keyOf(1), -1)))
    expect(recipes.text.value).toBe('blur/resize:1200/format:webp')
    recipes.change((draft) => inLane(draft, shared().key, (steps) => steps.slice(1)))
    expect(recipes.text.value).toBe('resize:1200/format:webp')
  })

  test('insert a new step at an allowed position', () => {
    recipes.add(shared().key, 'sharpen')
    recipes.add(shared().key, 'orient')
    expect(ops()).toEqual(['orient', 'resize', 'sharpen', 'format'])
    expect(recipes.ready.value).not.toBeNull()
    expect(recipes.added.value).toBe(keyOf(0))
  })

  test('report an invalid value at its field, and make the recipe invalid', () => {
    set(0, 'width', 99_999)
    expect(recipes.text.value).toBe('resize:1200/format:webp')
    expect(recipes.ready.value).toBeNull()
    expect(recipes.problems.value).toEqual([
      { message: 'Use 65535 or less.', lane: shared().key, step: keyOf(0), parameter: 'width' },
    ])
  })

  test('report a conflict between fields at the step', () => {
    set(0, 'width', undefined)
    expect(recipes.problems.value).toHaveLength(1)
    expect(recipes.problems.value[0]).toMatchObject({ step: keyOf(0), parameter: 'width' })
    expect(recipes.problems.value[0]?.message).toContain('width and height are both missing')
  })
})

test('a problem that a task reported is marked at its step until the recipe changes', () => {
  recipes.mark('steps[0].width', 'Too wide.')
  expect(recipes.problems.value).toEqual([
    { message: 'Too wide.', lane: shared().key, step: keyOf(0), parameter: 'width' },
  ])
  expect(recipes.ready.value).not.toBeNull()
  set(0, 'width', 10)
  expect(recipes.problems.value).toEqual([])
  recipes.mark('image', 'No such image.')
  expect(recipes.problems.value).toEqual([])
})

describe('changes of the text', () => {
  test('replace the steps as far as the text is valid', () => {
    recipes.write('crop:10:20:300:200/blur:2')
    expect(shared().steps.map(({ op, values }) => [op, values])).toEqual([
      ['crop', { left: 10, top: 20, width: 300, height: 200 }],
      ['blur', { sigma: 2 }],
    ])
    expect(recipes.textProblem.value).toBeNull()
  })

  test('do not normalise the text until typing stops', () => {
    recipes.write('resize:800x/format:type=webp')
    expect(recipes.text.value).toBe('resize:800x/format:type=webp')
    recipes.tidy()
    expect(recipes.text.value).toBe('resize:800/format:webp')
  })

  test('keep the steps while the text is invalid, and report the problem and its remedy', () => {
    recipes.write('resize:1200/form')
    expect(ops()).toEqual(['resize', 'format'])
    expect(recipes.textProblem.value).toContain('Did you mean format?')
    expect(recipes.ready.value).toBeNull()
    recipes.tidy()
    expect(recipes.text.value).toBe('resize:1200/form')
  })

  test('are discarded by the next change of the steps', () => {
    recipes.write('resize:1200/form')
    set(0, 'width', 640)
    expect(recipes.textProblem.value).toBeNull()
    expect(recipes.text.value).toBe('resize:640/format:webp')
  })

  test('keep the keys of unchanged steps, so that focus and fold state are kept', () => {
    const before = [keyOf(0), keyOf(1)]
    recipes.write('resize:900/format:avif')
    expect([keyOf(0), keyOf(1)]).toEqual(before)
    recipes.write('resize:900/blur:2')
    expect(keyOf(0)).toBe(before[0] ?? -1)
    expect(keyOf(1)).not.toBe(before[1] ?? -1)
  })

  test('accept an empty text: a recipe without steps', () => {
    recipes.write('')
    expect(recipes.ready.value?.body).toEqual({ steps: [] })
  })
})

describe('several outputs', () => {
  const add = () => recipes.change((draft) => withOutput(draft, server.place))

  test('receive the steps that must be last, and turn the text into JSON', () => {
    add()
    add()
    expect(recipes.ready.value?.body).toEqual({
      steps: [{ op: 'resize', width: 1200 }],
      outputs: {
        'output-1': { steps: [{ op: 'format', type: 'webp' }] },
        'output-2': { steps: [{ op: 'format', type: 'webp' }] },
      },
    })
    expect(recipes.ready.value?.text).toBeNull()
    expect(JSON.parse(recipes.text.value)).toEqual(recipes.ready.value?.body)
  })

  test('are read from JSON', () => {
    recipes.write('{"steps":[],"outputs":{"thumb":{"steps":[{"op":"resize","width":64}]}}}')
    expect(recipes.draft.value.map((lane) => lane.output)).toEqual([null, 'thumb'])
    recipes.write('{"steps":')
    expect(recipes.textProblem.value).toBe('This is not valid JSON yet.')
  })

  test('require unique and valid names', () => {
    add()
    add()
    const [, first, second] = recipes.draft.value
    recipes.change((draft) => renamed(draft, second?.key ?? -1, 'output-1'))
    expect(recipes.problems.value.map((one) => one.message)).toContain('Another output has this name.')
    recipes.change((draft) => renamed(draft, second?.key ?? -1, 'Large!'))
    expect(recipes.problems.value).toEqual([
      { message: 'Use a-z, 0-9, _ and -, beginning with a letter or digit.', lane: second?.key ?? -1 },
    ])
    recipes.change((draft) => withoutLane(withoutLane(draft, second?.key ?? -1), first?.key ?? -1))
    expect(recipes.text.value).toBe('resize:1200')
  })

  test('report an invalid step at its output', () => {
    recipes.write(
      '{"steps":[],"outputs":{"a":{"steps":[]},"thumb":{"steps":[{"op":"blur"},{"op":"resize","width":9}]}}}',
    )
    const thumb = recipes.draft.value[2]
    const step = thumb?.steps[1]
    recipes.change((draft) =>
      inLane(draft, thumb?.key ?? -1, (steps) => withValue(steps, step?.key ?? -1, 'width', undefined)),
    )
    expect(recipes.problems.value[0]).toMatchObject({
      lane: thumb?.key ?? -1,
      step: step?.key ?? -1,
      parameter: 'width',
    })
  })
})
