import { expect, test } from 'bun:test'
import { msUntilTick } from './ms-until-tick.ts'

test('periods that divide each other end at the same moments', () => {
  expect(msUntilTick(1000, 12_345)).toBe(655)
  expect(msUntilTick(2000, 12_345)).toBe(1655)
  expect(msUntilTick(2000, 12_345 + msUntilTick(1000, 12_345))).toBe(1000)
})

test('at a tick the whole period is left', () => {
  expect(msUntilTick(1000, 3000)).toBe(1000)
})
