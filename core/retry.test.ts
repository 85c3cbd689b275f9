import { expect, test } from 'bun:test'
import { Fault } from './fault.ts'
import { retry } from './retry.ts'

/** Fails with these faults, one per call, then succeeds. */
function failing(...faults: Fault[]) {
  const tries: number[] = []
  const operation = (number: number) => {
    tries.push(number)
    const fault = faults.shift()
    return fault === undefined ? Promise.resolve('answer') : Promise.reject(fault)
  }
  return { operation, tries }
}

const unavailable = () => new Fault('storage_failed', 'The broker does not answer.')

test('a retryable failure is retried', async () => {
  const { operation, tries } = failing(unavailable(), unavailable())
  expect(await retry(operation)).toBe('answer')
  expect(tries).toEqual([1, 2, 3])
})

test('any other failure is not retried', async () => {
  const { operation, tries } = failing(new Fault('conflict', 'The task has changed.'))
  await expect(retry(operation)).rejects.toThrow('The task has changed.')
  expect(tries).toEqual([1])
})

test('the caller decides what is retryable, and receives the pause before the next try', async () => {
  const { operation, tries } = failing(new Fault('conflict', 'Once.'), new Fault('conflict', 'Twice.'))
  const pauses: number[] = []
  const isRetryable = (_: unknown, pauseMs: number) => pauses.push(pauseMs) < 2
  await expect(retry(operation, { isRetryable })).rejects.toThrow('Twice.')
  expect(tries).toEqual([1, 2])
  expect(pauses[1]).toBeGreaterThan((pauses[0] ?? Infinity) - 1)
})

test('retrying ends after the timeout, and when the signal aborts', async () => {
  const endless = () => Promise.reject(unavailable())
  const began = performance.now()
  await expect(retry(endless, { timeoutMs: 300 })).rejects.toThrow('The broker does not answer.')
  expect(performance.now() - began).toBeLessThan(400)
  const stop = new AbortController()
  const work = retry(endless, { signal: stop.signal })
  stop.abort()
  await expect(work).rejects.toThrow('The broker does not answer.')
})
