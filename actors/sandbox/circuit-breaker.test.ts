import { expect, test } from 'bun:test'
import { createCrashes } from './circuit-breaker.ts'

test('so many crashes within the window are borne, one more begins a rest', () => {
  let now = 0
  const crashes = createCrashes({ most: 3, withinMs: 1000, restMs: 5000 }, () => now)
  for (const at of [0, 100, 200]) {
    now = at
    expect(crashes.count()).toBe(false)
    expect(crashes.restMs).toBe(0)
  }
  now = 300
  expect(crashes.count()).toBe(true)
  expect(crashes.restMs).toBe(5000)
  now = 5299
  expect(crashes.restMs).toBe(1)
  now = 5300
  expect(crashes.restMs).toBe(0)
})

test('what is long ago does not count, and a rest begins a new account', () => {
  let now = 0
  const crashes = createCrashes({ most: 1, withinMs: 1000, restMs: 10 }, () => now)
  for (now = 0; now < 10_000; now += 1001) expect(crashes.count()).toBe(false)
  now = 20_000
  expect([crashes.count(), crashes.count(), crashes.count()]).toEqual([false, true, false])
})
