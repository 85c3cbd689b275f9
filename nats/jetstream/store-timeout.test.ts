import { expect, test } from 'bun:test'
import { callTimeoutMs, noteProgress, storeTimeout, waitForMemory, withinTimeout } from './store-timeout.ts'

/** Waits for the store, which answers after `ms`. */
const wait = (ms: number) => withinTimeout(Infinity, () => Bun.sleep(ms))
const left = () => withinTimeout(Infinity, async (leftMs) => leftMs())

test('of a wait that ends with progress, what goes beyond one second counts until the call ends', async () => {
  const leftMs = await storeTimeout.call(async () => {
    for (let i = 0; i < 2; i++) {
      await wait(1300)
      noteProgress()
    }
    return left()
  })
  expect(leftMs).toBeLessThanOrEqual(callTimeoutMs - 600)
  expect(leftMs).toBeGreaterThan(callTimeoutMs - 1600)
})

test('waits that soon end with progress do not count, however many there are', async () => {
  const leftMs = await storeTimeout.call(async () => {
    for (let i = 0; i < 30; i++) {
      await wait(50)
      noteProgress()
    }
    return left()
  })
  expect(leftMs).toBeGreaterThan(callTimeoutMs - 100)
})

test('a wait for memory counts until the next progress', async () => {
  const [before, after] = await storeTimeout.call(async () => {
    await withinTimeout(Infinity, () => waitForMemory(() => Bun.sleep(1500)))
    const before = await left()
    noteProgress()
    return [before, await left()] as const
  })
  expect(before).toBeLessThanOrEqual(callTimeoutMs - 1500)
  expect(after).toBeGreaterThan(callTimeoutMs - 400)
})

test('each value of a stream has the whole time', async () => {
  const values = async function* () {
    await wait(1500)
    yield 0
    yield await left()
  }
  const [, leftMs = 0] = await Array.fromAsync(storeTimeout.stream(values()))
  expect(leftMs).toBeGreaterThan(callTimeoutMs - 400)
})
