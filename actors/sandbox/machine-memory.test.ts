import { expect, test } from 'bun:test'
import { totalmem } from 'node:os'
import { machineMemoryBytes } from './machine-memory.ts'

test('the memory of the machine is at most what the kernel reports', () => {
  expect(machineMemoryBytes()).toBeGreaterThan(64 * 2 ** 20)
  expect(machineMemoryBytes()).toBeLessThanOrEqual(totalmem())
})
