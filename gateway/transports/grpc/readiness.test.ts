import { expect, test } from 'bun:test'
import { getEventListeners } from 'node:events'
import { createReadiness } from './readiness.ts'

const listenersOf = (signal: AbortSignal) => getEventListeners(signal, 'abort').length

test('a watcher gets each change of the state and the end', async () => {
  let isUp = true
  const readiness = createReadiness(async () => isUp, 1)
  const states: boolean[] = []
  const watching = (async () => {
    for await (const state of readiness.changes(new AbortController().signal)) states.push(state)
  })()
  while (states.length < 1) await Bun.sleep(1)
  isUp = false
  while (states.length < 2) await Bun.sleep(1)
  isUp = true
  while (states.length < 3) await Bun.sleep(1)
  readiness.close()
  await watching
  expect(states).toEqual([true, false, true, false])
})

test('waiting does not accumulate listeners on the signal', async () => {
  let checks = 0
  const readiness = createReadiness(async () => (checks += 1) > 0, 1)
  const stop = new AbortController()
  const watching = (async () => {
    for await (const _ of readiness.changes(stop.signal));
  })()
  while (checks < 50) await Bun.sleep(1)
  expect(listenersOf(stop.signal)).toBeLessThan(2)
  stop.abort()
  await watching
  expect(listenersOf(stop.signal)).toBe(0)
})
