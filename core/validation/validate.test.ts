import { describe, expect, test } from 'bun:test'
import fc from 'fast-check'
import { z } from 'zod'
import { createTaskInput } from '../inputs.ts'
import { Fault, type FaultReport } from '../fault.ts'
import { outputName } from '../recipe/output-name.ts'
import { parseRecipe } from '../recipe/recipe.ts'
import { clientMessage } from '../tune/client-message.ts'
import { validate } from './validate.ts'

const image = '01890a5d-ac96-774b-bcce-b302099a8057'
const open = { type: 'open', image, recipe: 'blur' }

function reportOf(run: () => unknown): FaultReport | undefined {
  try {
    run()
    return undefined
  } catch (thrown) {
    if (thrown instanceof Fault) return thrown.report()
    throw thrown
  }
}
const rejection = (schema: z.ZodType, value: unknown) =>
  reportOf(() => validate(schema, value, { whole: 'the message' }))

describe('the fault for an invalid value names what is allowed', () => {
  test.each([
    [
      'a nested value out of range',
      clientMessage,
      { ...open, preview: { maxPixels: 1 } },
      'preview.maxPixels',
      '"preview.maxPixels" in the message must be a whole number from 4096 to 4194304, got 1.',
      'Set preview.maxPixels to a whole number from 4096 to 4194304.',
    ],
    [
      'a misspelt nested field',
      clientMessage,
      { ...open, preview: { qualty: 1 } },
      'preview.qualty',
      'Unknown field "preview.qualty" in the message.',
      'Did you mean quality? Known fields: maxPixels, format, quality.',
    ],
    [
      'an unknown choice',
      createTaskInput,
      { image, recipe: 'blur', lane: 'bulky' },
      'lane',
      '"lane" in the message must be one of interactive, bulk, got "bulky".',
      'Did you mean bulk? Set lane to one of interactive, bulk.',
    ],
    [
      'a third type where two are allowed',
      createTaskInput,
      { image, recipe: 5 },
      'recipe',
      '"recipe" in the message must be text or an object, got 5.',
      'Set recipe to text or an object.',
    ],
    [
      'text that does not match the pattern',
      createTaskInput,
      { image: 'x', recipe: 'blur' },
      'image',
      '"image" in the message must be an id of this server (a UUIDv7 in lower case), got "x".',
      'Set image to an id of this server (a UUIDv7 in lower case).',
    ],
    [
      'a missing field',
      createTaskInput,
      { recipe: 'blur' },
      'image',
      '"image" in the message is missing.',
      'Set image to an id of this server (a UUIDv7 in lower case).',
    ],
    [
      'a misspelt required field',
      createTaskInput,
      { imag: 'x', recipe: 'blur' },
      'imag',
      'Unknown field "imag" in the message.',
      'Did you mean image? Known fields: image, recipe, lane.',
    ],
    [
      'an unknown message type',
      clientMessage,
      { type: 'pen' },
      'type',
      '"type" in the message must be one of open, change, apply, got "pen".',
      'Did you mean open? Set type to one of open, change, apply.',
    ],
    [
      'a message that is not an object',
      clientMessage,
      [open],
      undefined,
      'The message must be an object, got a list.',
      'Send an object.',
    ],
    [
      'an integer above the safe range',
      clientMessage,
      { type: 'apply', sequence: 2n ** 63n },
      'sequence',
      '"sequence" in the message must be a whole number from 0 to 9007199254740991, got 9223372036854775808.',
      'Set sequence to a whole number from 0 to 9007199254740991.',
    ],
    [
      'a key that is too long',
      clientMessage,
      { type: 'change', sequence: 1, set: { ['a'.repeat(201)]: 1 } },
      'set',
      `A key of "set" must be text of at most 200 characters, got "${'a'.repeat(56)}....`,
      'Use text of at most 200 characters.',
    ],
    [
      'a rule between fields',
      clientMessage,
      { type: 'change', sequence: 1, recipe: 'blur', set: {} },
      'set',
      'A change has either recipe or set, not both.',
      'Remove one of them.',
    ],
  ])('%s', (_, schema, value, field, detail, remedy) => {
    const expected = { code: 'invalid_request' as const, detail, remedy }
    expect(rejection(schema, value)).toEqual(field === undefined ? expected : { ...expected, field })
  })

  test('in a union, the option that the value matches is used', () => {
    const schema = z.strictObject({
      to: z.union([z.string(), z.strictObject({ size: z.int().min(1).max(9) })]),
    })
    expect(rejection(schema, { to: { size: 10 } })).toMatchObject({ field: 'to.size' })
    expect(rejection(schema, { to: 5 })).toMatchObject({
      detail: expect.stringContaining('text or an object'),
    })
  })

  test('the field has the name that the caller uses', () => {
    const nameField = (path: readonly PropertyKey[]) =>
      path.map((part) => String(part).toUpperCase()).join('/')
    const run = () =>
      validate(clientMessage, { ...open, preview: { quality: 0 } }, { whole: 'the message', nameField })
    expect(reportOf(run)).toMatchObject({ field: 'PREVIEW/QUALITY' })
  })
})

/** A schema with every kind of check in zod. */
const everyCheck = z.strictObject({
  whole: z.int().min(1).max(9).optional(),
  steps: z.number().multipleOf(8).min(8).optional(),
  most: z.number().max(1).optional(),
  list: z.array(z.boolean()).max(2).optional(),
  name: outputName.optional(),
  none: z.null().optional(),
  one: z.literal('only').optional(),
  by: z.record(outputName, z.number()).optional(),
  either: z.union([z.boolean(), z.strictObject({ a: z.int() })]).optional(),
  tuned: clientMessage.optional(),
  task: createTaskInput.optional(),
})
const keys = Object.keys(everyCheck.shape).concat([
  'a',
  'type',
  'open',
  'image',
  'recipe',
  'preview',
  'maxPixels',
  'sequence',
  'set',
  'lane',
  'op',
])

test('no message of zod reaches a caller', () => {
  const value = fc.letrec((tie) => ({
    any: fc.oneof(
      { depthSize: 'small' },
      fc.constantFrom('open', 'change', 'apply', 'blur', 'only', image, 'x y', '', null, true, undefined),
      fc.double(),
      fc.bigInt(),
      fc.array(tie('any'), { maxLength: 3 }),
      fc.dictionary(fc.constantFrom(...keys, 'A b'), tie('any'), { maxKeys: 4 }),
    ),
  })).any
  const dictionary = fc.dictionary(fc.constantFrom(...keys), value, { maxKeys: 4 })
  const expectOwnWording = (report: FaultReport | undefined) => {
    if (report === undefined) return
    const { detail, remedy = '' } = report
    expect(detail).not.toMatch(/Invalid|[Ee]xpected|Too (?:small|big)|Unrecognized|undefined|\[object/)
    expect(detail).toMatch(/^[^a-z].*\.$/s)
    expect(remedy).toMatch(/^[A-Z].*\.$/s)
  }
  fc.assert(
    fc.property(dictionary, (sent) => {
      expectOwnWording(rejection(everyCheck, sent))
      expectOwnWording(rejection(clientMessage, sent))
      expectOwnWording(reportOf(() => parseRecipe(sent)))
    }),
    { numRuns: 3000 },
  )
})
