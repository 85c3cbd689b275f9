import { expect, test } from 'bun:test'
import { createCircuitBreaker } from './circuit-breaker.ts'

test('so many crashes within the window are borne, one more begins a rest', () => {
  let now = 0
  const circuit = createCircuitBreaker({ most: 3, withinMs: 1000, restMs: 5000 }, () => now)
  for (const at of [0, 100, 200]) {
    now = at
    expect(circuit.count()).toBe(false)
    expect(circuit.restMs).toBe(0)
  }
  now = 300
  expect(circuit.count()).toBe(true)
  expect(circuit.restMs).toBe(5000)
  now = 5299
  expect(circuit.restMs).toBe(1)
  now = 5300
  expect(circuit.restMs).toBe(0)
})

test('what is long ago does not count, and a rest begins a new account', () => {
  let now = 0
  const circuit = createCircuitBreaker({ most: 1, withinMs: 1000, restMs: 10 }, () => now)
  for (now = 0; now < 10_000; now += 1001) expect(circuit.count()).toBe(false)
  now = 20_000
  expect([circuit.count(), circuit.count(), circuit.count()]).toEqual([false, true, false])
})
