import { expect, test } from 'bun:test'
import { pause } from '@pixelflow/core/pause'
import { leaderElectionContract } from '@pixelflow/testkit/contracts/leader-election'
import { openNatsFixture, until } from '../testing/nats-fixture.ts'

leaderElectionContract('nats', async () => {
  const { adapters, other, ...fixture } = await openNatsFixture()
  return { ...fixture, leaderElection: adapters.leaderElection, elsewhere: other.leaderElection }
})

test('a leader loses its role with the broker, and regains it afterwards', async () => {
  await using fixture = await openNatsFixture()
  const over = new AbortController()
  const ends: number[] = []
  let terms = 0
  const campaign = fixture.adapters.leaderElection.campaign(
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
  await campaign
  expect(ends).toEqual([1, 2])
}, 60_000)

test('a leader that disappears is followed by another process', async () => {
  await using fixture = await openNatsFixture()
  const over = new AbortController()
  const leaders: string[] = []
  const campaign = (name: string, leaderElection: typeof fixture.adapters.leaderElection) =>
    leaderElection.campaign(
      'sweeper',
      async (lost) => {
        leaders.push(name)
        await pause(60_000, lost)
      },
      over.signal,
    )
  const first = campaign('first', fixture.other.leaderElection)
  await until(() => leaders.length === 1)
  const second = campaign('second', fixture.adapters.leaderElection)
  await pause(300)
  // Without resigning: the broker only sees a closed connection.
  await fixture.other[Symbol.asyncDispose]()
  await until(() => leaders.includes('second'))
  expect(leaders).toEqual(['first', 'second'])
  over.abort()
  await Promise.all([first, second])
}, 60_000)

test('a process that may not subscribe to renewals keeps its connection', async () => {
  await using fixture = await openNatsFixture({
    nats: { permissions: 'subscribe: { deny: "live.leaders.>" }' },
  })
  const over = new AbortController()
  let terms = 0
  const campaign = ({ leaderElection }: typeof fixture.adapters) =>
    leaderElection.campaign(
      'sweeper',
      async (lost) => {
        terms += 1
        await pause(60_000, lost)
      },
      over.signal,
    )
  const campaigns = [campaign(fixture.adapters)]
  await until(() => terms === 1)
  campaigns.push(campaign(fixture.other))
  // By now the subscription was attempted and denied.
  await Bun.sleep(500)
  expect(await fixture.other.backlog.count('transform')).toBe(0)
  over.abort()
  await Promise.all(campaigns)
}, 60_000)
