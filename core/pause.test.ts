import { expect, test } from 'bun:test'
import { pause } from './pause.ts'

test('resolves after the time', async () => {
  expect(await pause(1)).toBeUndefined()
})

test('resolves early, without an error, when the signal aborts', async () => {
  const stop = new AbortController()
  const paused = pause(3_600_000, stop.signal)
  stop.abort()
  await paused
  await pause(3_600_000, stop.signal)
})
