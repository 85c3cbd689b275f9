import { expect, test } from 'bun:test'
import { getEventListeners } from 'node:events'
import { createReadiness } from './readiness.ts'

const listenersOf = (signal: AbortSignal) => getEventListeners(signal, 'abort').length

test('who waits for changes hears of each, and of the end', async () => {
  let isUp = true
  const readiness = createReadiness(async () => isUp, 1)
  const told: boolean[] = []
  const watching = (async () => {
    for await (const state of readiness.changes(new AbortController().signal)) told.push(state)
  })()
  while (told.length < 1) await Bun.sleep(1)
  isUp = false
  while (told.length < 2) await Bun.sleep(1)
  isUp = true
  while (told.length < 3) await Bun.sleep(1)
  readiness.close()
  await watching
  expect(told).toEqual([true, false, true, false])
})

test('however long it takes, waiting leaves nothing with the signal', async () => {
  let looks = 0
  const readiness = createReadiness(async () => (looks += 1) > 0, 1)
  const leaving = new AbortController()
  const watching = (async () => {
    for await (const _ of readiness.changes(leaving.signal));
  })()
  while (looks < 50) await Bun.sleep(1)
  expect(listenersOf(leaving.signal)).toBeLessThan(2)
  leaving.abort()
  await watching
  expect(listenersOf(leaving.signal)).toBe(0)
})
