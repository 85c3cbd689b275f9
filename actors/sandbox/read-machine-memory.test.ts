import { expect, test } from 'bun:test'
import { totalmem } from 'node:os'
import { readMachineMemory } from './read-machine-memory.ts'

test('the memory of the machine is at most what the kernel reports', () => {
  expect(readMachineMemory()).toBeGreaterThan(64 * 2 ** 20)
  expect(readMachineMemory()).toBeLessThanOrEqual(totalmem())
})
