import { expect, test } from 'bun:test'
import { Fault } from '@pixelflow/core/fault'
import { persist } from './persist.ts'

/** Fails with these faults, one a call, then answers. */
function failing(...faults: Fault[]) {
  let calls = 0
  const what = () => {
    calls += 1
    const fault = faults.shift()
    return fault === undefined ? Promise.resolve('answer') : Promise.reject(fault)
  }
  return { what, calls: () => calls }
}

const away = () => new Fault('storage_failed', 'The broker is away.')

test('repeats what the surroundings are to blame for', async () => {
  const { what, calls } = failing(away(), away())
  expect(await persist(what)).toBe('answer')
  expect(calls()).toBe(3)
})

test('does not repeat what no other try can mend', async () => {
  const { what, calls } = failing(new Fault('conflict', 'Too late.'))
  await expect(persist(what)).rejects.toThrow('Too late.')
  expect(calls()).toBe(1)
})

test('gives up after its time, or when nobody wants the answer any more', async () => {
  const endless = () => Promise.reject(away())
  const began = performance.now()
  await expect(persist(endless, { limitMs: 300 })).rejects.toThrow('The broker is away.')
  expect(performance.now() - began).toBeLessThan(400)
  const stop = new AbortController()
  const work = persist(endless, { signal: stop.signal })
  stop.abort()
  await expect(work).rejects.toThrow('The broker is away.')
})
