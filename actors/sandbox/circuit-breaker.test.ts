import { expect, test } from 'bun:test'
import { createCircuitBreaker } from './circuit-breaker.ts'

test('the circuit stays closed up to the limit within the window, and the next crash opens it', () => {
  let now = 0
  const circuit = createCircuitBreaker({ maxCrashes: 3, windowMs: 1000, openMs: 5000 }, () => now)
  for (const at of [0, 100, 200]) {
    now = at
    expect(circuit.count()).toBe(false)
    expect(circuit.openForMs).toBe(0)
  }
  now = 300
  expect(circuit.count()).toBe(true)
  expect(circuit.openForMs).toBe(5000)
  now = 5299
  expect(circuit.openForMs).toBe(1)
  now = 5300
  expect(circuit.openForMs).toBe(0)
})

test('crashes before the window do not count, and opening resets the count', () => {
  let now = 0
  const circuit = createCircuitBreaker({ maxCrashes: 1, windowMs: 1000, openMs: 10 }, () => now)
  for (now = 0; now < 10_000; now += 1001) expect(circuit.count()).toBe(false)
  now = 20_000
  expect([circuit.count(), circuit.count(), circuit.count()]).toEqual([false, true, false])
})
