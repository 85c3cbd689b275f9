import { expect, test } from 'bun:test'
import { connect } from '@nats-io/transport-node'
import { pause } from '@pixelflow/core/pause'
import { leaderElectionContract } from '@pixelflow/testkit/contracts/leader-election'
import { stays, waitFor } from '@pixelflow/testkit/wait-for'
import { openNatsFixture } from '../testing/nats-fixture.ts'

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
  await waitFor(
    'first term',
    () => terms,
    (n) => n === 1,
  )
  await fixture.nats.kill9()
  await waitFor(
    'role lost',
    () => ends.length,
    (n) => n === 1,
  )
  await fixture.nats.restart()
  await waitFor(
    'second term',
    () => terms,
    (n) => n === 2,
  )
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
  await waitFor(
    'first leader',
    () => leaders.length,
    (n) => n === 1,
  )
  const second = campaign('second', fixture.adapters.leaderElection)
  await pause(300)
  // Without resigning: the broker only sees a closed connection.
  await fixture.other[Symbol.asyncDispose]()
  await waitFor(
    'second process leads',
    () => leaders,
    (names) => names.includes('second'),
  )
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
  await waitFor(
    'first leader',
    () => terms,
    (n) => n === 1,
  )
  campaigns.push(campaign(fixture.other))
  // Meanwhile the subscription is attempted and denied.
  const count = () => fixture.other.backlog.count('transform')
  await stays('the connection works', async () => (await count()) === 0, 500)
  over.abort()
  await Promise.all(campaigns)
}, 60_000)

test('a candidate replaces the newest renewal of a leader that has disappeared, with one attempt', async () => {
  await using fixture = await openNatsFixture()
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
  const written: string[] = []
  const reader = await connect({
    servers: fixture.nats.url,
    user: fixture.settings.natsUser ?? '',
    pass: fixture.settings.natsPassword ?? '',
  })
  reader.subscribe('leaders.sweeper', { callback: (_, msg) => void written.push(msg.string()) })
  await reader.flush()
  const campaigns = [campaign(fixture.other)]
  await waitFor(
    'first leader',
    () => terms,
    (n) => n === 1,
  )
  const [first] = written
  campaigns.push(campaign(fixture.adapters))
  await waitFor(
    'renewals',
    () => written.length,
    (n) => n >= 4,
  )
  await fixture.other[Symbol.asyncDispose]()
  await waitFor(
    'second leader',
    () => terms,
    (n) => n === 2,
  )
  expect(written.filter((text) => text !== first)).toHaveLength(1)
  over.abort()
  await Promise.all(campaigns)
  await reader.close()
}, 60_000)
