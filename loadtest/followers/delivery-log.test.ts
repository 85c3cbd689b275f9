import { expect, test } from 'bun:test'
import { createDeliveryLog } from './delivery-log.ts'

test('an event is compared with its receipt by the first follower', () => {
  const log = createDeliveryLog()
  expect(log.receive({ id: '1' }, 0, 100)).toBeUndefined()
  expect(log.receive({ id: '1' }, 50, 103)).toBe(3)
})

test('an event of the history is not compared', () => {
  const log = createDeliveryLog()
  log.receive({ id: '1' }, 0, 100)
  expect(log.receive({ id: '1' }, 101, 110)).toBeUndefined()
})

test('followers of a task receive the same events in the same order', () => {
  const log = createDeliveryLog()
  expect(log.isSameAsOthers(['1', '2'])).toBe(true)
  expect(log.isSameAsOthers(['1', '2'])).toBe(true)
  expect(log.isSameAsOthers(['2', '1'])).toBe(false)
  expect(log.isSameAsOthers(['1'])).toBe(false)
})
