import { expect, test } from 'bun:test'
import { waitFor } from '@pixelflow/testkit/wait-for'
import { shrinkWhenIdle } from './shrink-when-idle.ts'

test('a process shrinks once it has been idle for a period, and only once', async () => {
  let calls = 0
  using _shrinking = shrinkWhenIdle({ periodMs: 20, maxCpuMs: Infinity }, () => void (calls += 1))
  let later = 0
  await waitFor(
    'shrunk',
    () => calls,
    (count) => count > 0,
  )
  using _others = shrinkWhenIdle({ periodMs: 20, maxCpuMs: Infinity }, () => void (later += 1))
  await waitFor(
    'another two periods over',
    () => later,
    (count) => count > 0,
  )
  expect(calls).toBe(1)
})

test('a process that works does not shrink', async () => {
  let calls = 0
  let others = 0
  using _busy = shrinkWhenIdle({ periodMs: 20, maxCpuMs: -1 }, () => void (calls += 1))
  using _idle = shrinkWhenIdle({ periodMs: 20, maxCpuMs: Infinity }, () => void (others += 1))
  await waitFor(
    'two periods over',
    () => others,
    (count) => count > 0,
  )
  expect(calls).toBe(0)
})

test('shrinking keeps a process working', () => {
  const sum = (n: number): number => (n === 0 ? 0 : n + sum(n - 1))
  expect(sum(100)).toBe(5050)
  Bun.shrink()
  expect(sum(100)).toBe(5050)
})
