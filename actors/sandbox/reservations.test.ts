import { expect, test } from 'bun:test'
import { createReservations } from './reservations.ts'

function reservationsOf(workers: number, holding: Record<string, number>) {
  const held = new Map(Object.entries(holding))
  const clock = { ms: 0 }
  const reservations = createReservations({ workers, durationMs: 1000, held, now: () => clock.ms })
  return { held, clock, reservations }
}

test('a worker stays reserved until the other account has been idle for a while', () => {
  const { clock, reservations } = reservationsOf(2, { ann: 1 })
  expect(reservations.countUnavailable('ann')).toBe(0)
  reservations.begin('bob')
  expect(reservations.countUnavailable('ann')).toBe(1)
  expect(reservations.countUnavailable('bob')).toBe(0)
  clock.ms = 900
  reservations.prolong('bob')
  clock.ms = 1800
  expect(reservations.countUnavailable('ann')).toBe(1)
  expect(reservations.endsInMs).toBe(100)
  clock.ms = 1900
  expect(reservations.countUnavailable('ann')).toBe(0)
  expect(reservations.endsInMs).toBeUndefined()
})

test('an account gets no more reserved than it holds at once', () => {
  const { held, reservations } = reservationsOf(8, { ann: 4 })
  reservations.begin('bob')
  expect(reservations.countUnavailable('ann')).toBe(1)
  held.set('bob', 3)
  reservations.prolong('bob')
  held.set('bob', 1)
  expect(reservations.countUnavailable('ann')).toBe(2)
})

test('reservations do not restrict an account below its fair share', () => {
  const { held, reservations } = reservationsOf(2, { ann: 1 })
  reservations.begin('bob')
  expect(reservations.countUnavailable('cid')).toBe(0)
  held.delete('ann')
  expect(reservations.countUnavailable('ann')).toBe(0)
})

test('an account without a preemption has no reservation', () => {
  const { reservations } = reservationsOf(2, { ann: 1 })
  reservations.prolong('bob')
  expect(reservations.countUnavailable('ann')).toBe(0)
  expect(reservations.endsInMs).toBeUndefined()
})
