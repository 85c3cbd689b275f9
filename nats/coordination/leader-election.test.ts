import { expect, test } from 'bun:test'
import { pause } from '@pixelflow/core/pause'
import { leaderElectionContract } from '@pixelflow/testkit/contracts/leader-election'
import { openFixture, until } from '../testing/nats-fixture.ts'

leaderElectionContract('nats', async () => {
  const { adapters, other, ...fixture } = await openFixture()
  return { ...fixture, leaderElection: adapters.leaderElection, elsewhere: other.leaderElection }
})

test('a holder without a broker is lost, and an office is held again once it is back', async () => {
  await using fixture = await openFixture()
  const over = new AbortController()
  const ends: number[] = []
  let terms = 0
  const standing = fixture.adapters.leaderElection.campaign(
    'sweeper',
    async (lost) => {
      terms += 1
      await pause(60_000, lost)
      ends.push(terms)
    },
    over.signal,
  )
  await until(() => terms === 1)
  await fixture.nats.kill9()
  await until(() => ends.length === 1)
  await fixture.nats.restart()
  await until(() => terms === 2)
  over.abort()
  await standing
  expect(ends).toEqual([1, 2])
}, 60_000)

test('a holder that vanishes is followed by another', async () => {
  await using fixture = await openFixture()
  const over = new AbortController()
  const held: string[] = []
  const stand = (name: string, leaderElection: typeof fixture.adapters.leaderElection) =>
    leaderElection.campaign(
      'sweeper',
      async (lost) => {
        held.push(name)
        await pause(60_000, lost)
      },
      over.signal,
    )
  const first = stand('first', fixture.other.leaderElection)
  await until(() => held.length === 1)
  const second = stand('second', fixture.adapters.leaderElection)
  await pause(300)
  // Not a word of farewell: as the broker sees it the process is gone.
  await fixture.other[Symbol.asyncDispose]()
  await until(() => held.includes('second'))
  expect(held).toEqual(['first', 'second'])
  over.abort()
  await Promise.all([first, second])
}, 60_000)

test('whoever may not hear of an office can do all else', async () => {
  await using fixture = await openFixture({ nats: { permissions: 'subscribe: { deny: "live.offices.>" }' } })
  const over = new AbortController()
  let terms = 0
  const stand = ({ leaderElection }: typeof fixture.adapters) =>
    leaderElection.campaign(
      'sweeper',
      async (lost) => {
        terms += 1
        await pause(60_000, lost)
      },
      over.signal,
    )
  const standing = [stand(fixture.adapters)]
  await until(() => terms === 1)
  standing.push(stand(fixture.other))
  // By then it has asked to hear, and was refused.
  await Bun.sleep(500)
  expect(await fixture.other.backlog.count('transform')).toBe(0)
  over.abort()
  await Promise.all(standing)
}, 60_000)
