import { expect, test } from 'bun:test'
import { createReservations } from './reservations.ts'

function reservationsOf(children: number, holding: Record<string, number>) {
  const held = new Map(Object.entries(holding))
  const clock = { ms: 0 }
  const reservations = createReservations({ children, keepMs: 1000, held, now: () => clock.ms })
  return { held, clock, reservations }
}

test('a child is kept from the account whose work was stopped, until the other account has been away for a while', () => {
  const { clock, reservations } = reservationsOf(2, { ann: 1 })
  expect(reservations.keptFrom('ann')).toBe(0)
  reservations.begin('bob')
  expect(reservations.keptFrom('ann')).toBe(1)
  expect(reservations.keptFrom('bob')).toBe(0)
  clock.ms = 900
  reservations.prolong('bob')
  clock.ms = 1800
  expect(reservations.keptFrom('ann')).toBe(1)
  expect(reservations.endsInMs).toBe(100)
  clock.ms = 1900
  expect(reservations.keptFrom('ann')).toBe(0)
  expect(reservations.endsInMs).toBeUndefined()
})

test('no more are kept than the account holds at once', () => {
  const { held, reservations } = reservationsOf(8, { ann: 4 })
  reservations.begin('bob')
  expect(reservations.keptFrom('ann')).toBe(1)
  held.set('bob', 3)
  reservations.prolong('bob')
  held.set('bob', 1)
  expect(reservations.keptFrom('ann')).toBe(2)
})

test('an account that holds less than its share, or takes part for the first time, is kept from nothing', () => {
  const { held, reservations } = reservationsOf(2, { ann: 1 })
  reservations.begin('bob')
  expect(reservations.keptFrom('cid')).toBe(0)
  held.delete('ann')
  expect(reservations.keptFrom('ann')).toBe(0)
})

test('work of accounts that nothing was stopped for reserves nothing', () => {
  const { reservations } = reservationsOf(2, { ann: 1 })
  reservations.prolong('bob')
  expect(reservations.keptFrom('ann')).toBe(0)
  expect(reservations.endsInMs).toBeUndefined()
})
