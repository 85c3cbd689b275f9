import { expect, test } from 'bun:test'
import { totalmem } from 'node:os'
import { estimateMemory, machineMemoryBytes } from './estimate-memory.ts'

const MiB = 2 ** 20

test('a picture asks for room by its pixels, and by its file where they are not known', () => {
  expect(estimateMemory({ bytes: 3e6, width: 4000, height: 3000 })).toBe(96 * MiB + 144e6)
  expect(estimateMemory({ bytes: 3e6, width: null, height: null })).toBe(96 * MiB + 144e6)
  expect(estimateMemory({ bytes: 1000 })).toBeLessThan(97 * MiB)
})

test('a machine has no more memory than its kernel says', () => {
  expect(machineMemoryBytes()).toBeGreaterThan(64 * MiB)
  expect(machineMemoryBytes()).toBeLessThanOrEqual(totalmem())
})
