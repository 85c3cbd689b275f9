import { expect, test } from 'bun:test'
import { countWorkers, type ActorReport } from './actor.ts'
import { actorKindRows, listStartingKinds } from './actor-kinds.ts'

const actor = (kinds: string[], workers: number, state: ActorReport['state'] = 'ready') => ({
  report: { kinds, workers, state } as ActorReport,
  seenAt: new Date(0),
})

test('workers are those of ready actors with one of the kinds', () => {
  const actors = [
    actor(['transform'], 2),
    actor(['transform', 'checksum'], 3),
    actor(['checksum'], 5),
    actor(['transform'], 7, 'draining'),
    actor(['later'], 11),
  ]
  expect(countWorkers(actors, ['transform'])).toBe(5)
  expect(countWorkers(actors, ['transform', 'checksum'])).toBe(10)
})

test('the kinds that start tasks include an added kind, and exclude kinds of later stages', () => {
  const added = { name: 'checksum', startsTask: () => false }
  const kinds = listStartingKinds([added, { name: 'later' }, ...actorKindRows])
  expect(kinds).toEqual(['checksum', ...listStartingKinds()])
  expect(kinds).toContain('transform')
})
