import { expect, test } from 'bun:test'
import { stays, waitFor } from './wait-for.ts'

test('waitFor returns the first value that is accepted', async () => {
  let count = 0
  expect(
    await waitFor(
      'third read',
      () => ++count,
      (value) => value === 3,
    ),
  ).toBe(3)
})

test('waitFor names what it waited for and shows what it saw', async () => {
  const waiting = waitFor(
    'task completed',
    () => ({ status: 'queued' }),
    ({ status }) => status === 'completed',
    {
      timeoutMs: 20,
    },
  )
  await expect(waiting).rejects.toThrow("task completed: not within 20 ms; last saw { status: 'queued' }")
})

test('stays ends at the first time that the condition is false', async () => {
  await stays('nothing happened', () => true, 10)
  let reads = 0
  await expect(stays('one request', () => ++reads < 3, 60_000)).rejects.toThrow('one request: no longer true')
  expect(reads).toBe(3)
})
