import { expect, setDefaultTimeout, test } from 'bun:test'
import { getEventListeners } from 'node:events'
import { waitFor } from '@pixelflow/testkit/wait-for'
import { createReadiness } from './readiness.ts'

// Longer than `waitFor` waits, so that its error is shown.
setDefaultTimeout(20_000)

const listenersOf = (signal: AbortSignal) => getEventListeners(signal, 'abort').length

test('a watcher gets each change of the state and the end', async () => {
  let isUp = true
  const readiness = createReadiness(async () => isUp, 1)
  const states: boolean[] = []
  const watching = (async () => {
    for await (const state of readiness.changes(new AbortController().signal)) states.push(state)
  })()
  const seen = (count: number) =>
    waitFor(
      `${count} states`,
      () => states.length,
      (length) => length >= count,
    )
  await seen(1)
  isUp = false
  await seen(2)
  isUp = true
  await seen(3)
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
  await waitFor(
    '50 checks',
    () => checks,
    (count) => count >= 50,
  )
  expect(listenersOf(stop.signal)).toBeLessThan(2)
  stop.abort()
  await watching
  expect(listenersOf(stop.signal)).toBe(0)
})
