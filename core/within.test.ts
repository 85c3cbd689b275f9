import { expect, test } from 'bun:test'
import { pause } from './pause.ts'
import { within } from './within.ts'

test('a result in time is returned, and an error in time is thrown', async () => {
  expect(await within(Promise.resolve(7), 10_000)).toBe(7)
  await expect(within(Promise.reject(new Error('Failed in time.')), 10_000)).rejects.toThrow(
    'Failed in time.',
  )
})

test('a promise that takes longer gives undefined, and its later error is dropped', async () => {
  const late = Promise.withResolvers<never>()
  expect(await within(late.promise, 5)).toBeUndefined()
  late.reject(new Error('Failed too late.'))
  // An unhandled rejection would fail the test here.
  await pause(1)
})
