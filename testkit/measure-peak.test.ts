import { expect, test } from 'bun:test'
import { measurePeak } from './measure-peak.ts'

test('returns the largest value that was read', async () => {
  const values = [3, 9, 4]
  expect(
    await measurePeak(
      () => values.shift() ?? 0,
      () => Bun.sleep(200),
    ),
  ).toBe(9)
})

test('fails with the error of the reader or of the work', async () => {
  const failing = () => Promise.reject(new Error('no value'))
  await expect(measurePeak(failing, () => Bun.sleep(1))).rejects.toThrow('no value')
  await expect(measurePeak(() => 1, failing)).rejects.toThrow('no value')
})
