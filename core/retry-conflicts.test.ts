import { expect, test } from 'bun:test'
import { Fault } from './fault.ts'
import { retryConflicts } from './retry-conflicts.ts'

const createFault = () => new Fault('conflict', 'The record was modified concurrently.')

test('an update is repeated after conflicts, and null is a result', async () => {
  const results = [undefined, undefined, null]
  const update = async () => results.shift()
  expect(await retryConflicts(update, { maxConflicts: 3, createFault })).toBeNull()
  expect(results).toEqual([])
})

test('too many conflicts in a row are a fault', async () => {
  let calls = 0
  const update = async () => {
    calls += 1
    return undefined
  }
  await expect(retryConflicts(update, { maxConflicts: 3, createFault })).rejects.toMatchObject({
    code: 'conflict',
  })
  expect(calls).toBe(3)
})
