import { expect, test } from 'bun:test'
import { connect } from '@nats-io/transport-node'
import { Fault } from '@pixelflow/core/fault'
import type { Session } from '@pixelflow/core/ports/sessions'
import { openFixture, until, type Fixture } from '../testing/nats-fixture.ts'
import { decodeJson, offer } from './messages.ts'
import { offerSubject } from '../topology/topology.ts'

const never = new AbortController().signal

test('an account that holds all room of an actor, with more calls waiting, keeps no other account out', async () => {
  await using fixture = await openFixture()
  const { sessions } = fixture.adapters
  const room = 4
  await using hosted = fixture.other.sessionHost.serve('transform', {
    capacity: room,
    handle: async (_, session) => void (await session.next()),
  })
  const leave = new AbortController()
  await using stack = new AsyncDisposableStack()
  for (let i = 0; i < room; i += 1) stack.use(await sessions.open('transform', i, never, 'ann'))
  const waiting = [1, 2, 3].map((i) =>
    sessions.open('transform', i, leave.signal, 'ann').catch((error) => error as Fault),
  )

  const bobs: Session[] = []
  for (let i = 0; i < room / 2; i += 1)
    bobs.push(stack.use(await sessions.open('transform', i, never, 'bob')))
  expect(hosted.held).toBe(room + bobs.length)

  // Beyond his share bob waits as ann does.
  const offers = await offersOf(fixture, 'bob', stack)
  const third = sessions.open('transform', 3, leave.signal, 'bob').catch((error) => error as Fault)
  // Each offer has an inbox of its own, and a second one is made only once the first was refused.
  await until(() => offers.size > 1)
  expect(hosted.held).toBe(room + bobs.length)
  leave.abort(new Fault('cancelled', 'Enough.'))
  for (const ended of await Promise.all([...waiting, third])) expect(ended).toBe(leave.signal.reason)
}, 30_000)

/** The inboxes of the offers that an account makes from now on. */
async function offersOf(
  { nats }: Fixture,
  account: string,
  stack: AsyncDisposableStack,
): Promise<ReadonlySet<string>> {
  const inboxes = new Set<string>()
  const { url, user, password } = nats
  const listener = await connect({ servers: url, user, pass: password })
  stack.defer(() => listener.close())
  listener.subscribe(offerSubject('transform'), {
    callback: (_, { data, reply = '' }) => {
      if (offer.parse(decodeJson(data)).account === account) inboxes.add(reply)
    },
  })
  await listener.flush()
  return inboxes
}
