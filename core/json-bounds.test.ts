import { expect, test } from 'bun:test'
import { requireBounded, requireBoundedJson, jsonBounds } from './json-bounds.ts'

const { depth, keys, values } = jsonBounds
const objectOf = (count: number) => Object.fromEntries(Array.from({ length: count }, (_, i) => [`k${i}`, i]))
const nested = (levels: number): unknown => (levels === 0 ? 1 : [nested(levels - 1)])
/** The text, and the value that it stands for, are refused alike. */
const problem = (value: unknown): string | undefined => {
  const told = [
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
  expect(told[0]).toBe(told[1])
  return told[0]
}

test.each([
  ['levels', nested(depth), nested(depth + 1)],
  ['keys', [objectOf(keys), objectOf(keys)], [objectOf(keys), objectOf(keys + 1)]],
  ['values', Array.from({ length: values - 1 }, () => 1), Array.from({ length: values + 1 }, () => 1)],
])('%s are counted, as many as are allowed pass', (name, allowed, refused) => {
  expect(problem(allowed)).toBeUndefined()
  expect(problem(refused)).toContain(name)
})

test('what stands in strings counts for nothing', () => {
  expect(problem({ 'a"[{:,': '\\"[[[['.repeat(10_000), b: '\\', c: [] })).toBeUndefined()
})

test('half a text passes; it is refused by its parser', () => {
  for (const text of ['', '"', '"\\', '{"a":', ']]]]:,', '{{', ':::']) requireBoundedJson(Buffer.from(text))
})
