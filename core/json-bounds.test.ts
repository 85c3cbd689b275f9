import { expect, test } from 'bun:test'
import { requireBounded, requireBoundedJson, jsonBounds } from './json-bounds.ts'

const { depth, keys, values } = jsonBounds
const objectOf = (count: number) => Object.fromEntries(Array.from({ length: count }, (_, i) => [`k${i}`, i]))
const nested = (levels: number): unknown => (levels === 0 ? 1 : [nested(levels - 1)])
/** The error for a value; asserts that JSON text and the parsed value give the same one. */
const problem = (value: unknown): string | undefined => {
  const messages = [
    () => requireBoundedJson(Buffer.from(JSON.stringify(value))),
    () => requireBounded(value),
  ].map((check) => {
    try {
      check()
      return undefined
    } catch (thrown) {
      return (thrown as Error).message
    }
  })
  expect(messages[0]).toBe(messages[1])
  return messages[0]
}

test.each([
  ['levels', nested(depth), nested(depth + 1)],
  ['keys', [objectOf(keys), objectOf(keys)], [objectOf(keys), objectOf(keys + 1)]],
  ['values', Array.from({ length: values - 1 }, () => 1), Array.from({ length: values + 1 }, () => 1)],
])('the number of %s is limited, and the limit itself is allowed', (name, allowed, refused) => {
  expect(problem(allowed)).toBeUndefined()
  expect(problem(refused)).toContain(name)
})

test('punctuation within strings is not counted', () => {
  expect(problem({ 'a"[{:,': '\\"[[[['.repeat(10_000), b: '\\', c: [] })).toBeUndefined()
})

test('invalid or incomplete JSON passes, because the parser rejects it', () => {
  for (const text of ['', '"', '"\\', '{"a":', ']]]]:,', '{{', ':::']) requireBoundedJson(Buffer.from(text))
})
