import { beforeEach, describe, expect, test } from 'bun:test'
import { signal } from '@preact/signals'
import { openHttp } from '@pixelflow/client'
import { describeOperations } from '@pixelflow/core/operations/index'
import { initialRecipe } from '../recipe/initial-recipe.ts'
import { loadRecipeParser, type RecipeParser } from '../recipe/load-recipe-parser.ts'
import { changeSteps, moveStep, renameOutput, addOutput, removeOutput, setValue } from '../recipe/draft.ts'
import { createRecipeEditor, type RecipeEditor } from './recipe-editor.ts'
import { createServer, type Server } from './server.ts'

let server: Server
let editor: RecipeEditor

/** The server's real responses, without a network. */
const responses = async (path: string) =>
  Response.json(path.endsWith('/operations') ? describeOperations() : { version: '1', auth: 'none' })

beforeEach(async () => {
  server = createServer(openHttp({ fetch: responses }), { token: () => null, ask: async () => null })
  editor = createRecipeEditor(server, signal(await loadRecipeParser()), initialRecipe)
  await server.loadSettings()
  await server.loadOperations()
})

const shared = () => editor.draft.value[0]
const ops = () => shared().steps.map((step) => step.op)
const keyOf = (index: number) => shared().steps[index]?.key ?? -1
const set = (index: number, name: string, value: unknown) =>
  editor.change((draft) =>
    changeSteps(draft, shared().key, (steps) => setValue(steps, keyOf(index), name, value)),
  )

describe('changes of the steps', () => {
  test('write the initial text', () => {
    expect(editor.text.value).toBe('resize:1200/format:webp')
    expect(editor.recipe.value?.body).toEqual({
      steps: [
        { op: 'resize', width: 1200 },
        { op: 'format', type: 'webp' },
      ],
    })
  })

  test('update the text when a value changes or returns to its default', () => {
    set(0, 'height', 600)
    set(0, 'fit', 'cover')
    expect(editor.text.value).toBe('resize:1200x600:cover/format:webp')
    set(0, 'fit', 'inside')
    set(0, 'width', undefined)
    expect(editor.text.value).toBe('resize:x600/format:webp')
  })

  test('update the text when a step is moved or removed', () => {
    editor.addStep(shared().key, 'blur')
    editor.change((draft) => changeSteps(draft, shared().key, (steps) => moveStep(steps, keyOf(1), -1)))
    expect(editor.text.value).toBe('blur/resize:1200/format:webp')
    editor.change((draft) => changeSteps(draft, shared().key, (steps) => steps.slice(1)))
    expect(editor.text.value).toBe('resize:1200/format:webp')
  })

  test('insert a new step at an allowed position', () => {
    editor.addStep(shared().key, 'sharpen')
    editor.addStep(shared().key, 'orient')
    expect(ops()).toEqual(['orient', 'resize', 'sharpen', 'format'])
    expect(editor.recipe.value).not.toBeNull()
    expect(editor.addedStep.value).toBe(keyOf(0))
  })

  test('report an invalid value at its field, and make the recipe invalid', () => {
    set(0, 'width', 99_999)
    expect(editor.text.value).toBe('resize:1200/format:webp')
    expect(editor.recipe.value).toBeNull()
    expect(editor.problems.value).toEqual([
      { message: 'Use 65535 or less.', group: shared().key, step: keyOf(0), parameter: 'width' },
    ])
  })

  test('report a conflict between fields at the step', () => {
    set(0, 'width', undefined)
    expect(editor.problems.value).toHaveLength(1)
    expect(editor.problems.value[0]).toMatchObject({ step: keyOf(0), parameter: 'width' })
    expect(editor.problems.value[0]?.message).toContain('width and height are both missing')
  })
})

test('a problem that a task reported is marked at its step until the recipe changes', () => {
  editor.markProblem('steps[0].width', 'Too wide.')
  expect(editor.problems.value).toEqual([
    { message: 'Too wide.', group: shared().key, step: keyOf(0), parameter: 'width' },
  ])
  expect(editor.recipe.value).not.toBeNull()
  set(0, 'width', 10)
  expect(editor.problems.value).toEqual([])
  editor.markProblem('image', 'No such image.')
  expect(editor.problems.value).toEqual([])
})

describe('changes of the text', () => {
  test('replace the steps as far as the text is valid', () => {
    editor.writeText('crop:10:20:300:200/blur:2')
    expect(shared().steps.map(({ op, values }) => [op, values])).toEqual([
      ['crop', { left: 10, top: 20, width: 300, height: 200 }],
      ['blur', { sigma: 2 }],
    ])
    expect(editor.textProblem.value).toBeNull()
  })

  test('do not normalise the text until typing stops', () => {
    editor.writeText('resize:800x/format:type=webp')
    expect(editor.text.value).toBe('resize:800x/format:type=webp')
    editor.normaliseText()
    expect(editor.text.value).toBe('resize:800/format:webp')
  })

  test('keep the steps while the text is invalid, and report the problem and its remedy', () => {
    editor.writeText('resize:1200/form')
    expect(ops()).toEqual(['resize', 'format'])
    expect(editor.textProblem.value).toContain('Did you mean format?')
    expect(editor.recipe.value).toBeNull()
    editor.normaliseText()
    expect(editor.text.value).toBe('resize:1200/form')
  })

  test('are discarded by the next change of the steps', () => {
    editor.writeText('resize:1200/form')
    set(0, 'width', 640)
    expect(editor.textProblem.value).toBeNull()
    expect(editor.text.value).toBe('resize:640/format:webp')
  })

  test('keep the keys of unchanged steps, so that focus and fold state are kept', () => {
    const before = [keyOf(0), keyOf(1)]
    editor.writeText('resize:900/format:avif')
    expect([keyOf(0), keyOf(1)]).toEqual(before)
    editor.writeText('resize:900/blur:2')
    expect(keyOf(0)).toBe(before[0] ?? -1)
    expect(keyOf(1)).not.toBe(before[1] ?? -1)
  })

  test('accept an empty text: a recipe without steps', () => {
    editor.writeText('')
    expect(editor.recipe.value?.body).toEqual({ steps: [] })
  })
})

describe('several outputs', () => {
  const add = () => editor.change((draft) => addOutput(draft, server.place))

  test('receive the steps that must be last, and turn the text into JSON', () => {
    add()
    add()
    expect(editor.recipe.value?.body).toEqual({
      steps: [{ op: 'resize', width: 1200 }],
      outputs: {
        'output-1': { steps: [{ op: 'format', type: 'webp' }] },
        'output-2': { steps: [{ op: 'format', type: 'webp' }] },
      },
    })
    expect(editor.recipe.value?.text).toBeNull()
    expect(JSON.parse(editor.text.value)).toEqual(editor.recipe.value?.body)
  })

  test('are read from JSON', () => {
    editor.writeText('{"steps":[],"outputs":{"thumb":{"steps":[{"op":"resize","width":64}]}}}')
    expect(editor.draft.value.map((group) => group.output)).toEqual([null, 'thumb'])
    editor.writeText('{"steps":')
    expect(editor.textProblem.value).toBe('The text is not valid JSON yet. Complete or correct it.')
  })

  test('require unique and valid names', () => {
    add()
    add()
    const [, first, second] = editor.draft.value
    editor.change((draft) => renameOutput(draft, second?.key ?? -1, 'output-1'))
    expect(editor.problems.value.map((one) => one.message)).toContain(
      'Another output has this name. Choose a different name.',
    )
    editor.change((draft) => renameOutput(draft, second?.key ?? -1, 'Large!'))
    expect(editor.problems.value).toEqual([
      {
        message: 'Invalid output name. Use a-z, 0-9, _ and -, beginning with a letter or digit.',
        group: second?.key ?? -1,
      },
    ])
    editor.change((draft) => removeOutput(removeOutput(draft, second?.key ?? -1), first?.key ?? -1))
    expect(editor.text.value).toBe('resize:1200')
  })

  test('report an invalid step at its output', () => {
    editor.writeText(
      '{"steps":[],"outputs":{"a":{"steps":[]},"thumb":{"steps":[{"op":"blur"},{"op":"resize","width":9}]}}}',
    )
    const thumb = editor.draft.value[2]
    const step = thumb?.steps[1]
    editor.change((draft) =>
      changeSteps(draft, thumb?.key ?? -1, (steps) => setValue(steps, step?.key ?? -1, 'width', undefined)),
    )
    expect(editor.problems.value[0]).toMatchObject({
      group: thumb?.key ?? -1,
      step: step?.key ?? -1,
      parameter: 'width',
    })
  })
})

describe('before the parser is loaded', () => {
  const parser = signal<RecipeParser | null>(null)
  beforeEach(() => {
    parser.value = null
    editor = createRecipeEditor(server, parser, initialRecipe)
  })

  test('the initial steps and their text are shown, and nothing can run', () => {
    expect([editor.text.value, ops()]).toEqual(['resize:1200/format:webp', ['resize', 'format']])
    expect([editor.recipe.value, editor.problems.value, editor.textProblem.value]).toEqual([null, [], null])
  })

  test('changes of the steps are kept, and written as text when it is there', async () => {
    set(0, 'width', 800)
    expect(editor.text.value).toBe('resize:1200/format:webp')
    parser.value = await loadRecipeParser()
    expect(editor.text.value).toBe('resize:800/format:webp')
    expect(editor.recipe.value?.text).toBe('resize:800/format:webp')
  })

  test('a typed text is kept, and read when it is there', async () => {
    editor.writeText('blur:5')
    expect(editor.text.value).toBe('blur:5')
    parser.value = await loadRecipeParser()
    expect([editor.text.value, ops()]).toEqual(['blur:5', ['blur']])
    expect(editor.recipe.value?.body).toEqual({ steps: [{ op: 'blur', sigma: 5 }] })
  })

  test('a typed text that is invalid is reported when it is there', async () => {
    editor.writeText('blur:much')
    parser.value = await loadRecipeParser()
    expect(editor.textProblem.value).toContain('blur')
    expect(editor.recipe.value).toBeNull()
  })
})
