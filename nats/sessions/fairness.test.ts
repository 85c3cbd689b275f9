import { expect, test } from 'bun:test'
import { connect } from '@nats-io/transport-node'
import { Fault } from '@pixelflow/core/fault'
import type { Session } from '@pixelflow/core/ports/sessions'
import { waitFor } from '@pixelflow/testkit/wait-for'
import { openNatsFixture, type NatsFixture } from '../testing/nats-fixture.ts'
import { decodeJson, offer } from './messages.ts'
import { offerSubject } from '../topology/subjects.ts'

const never = new AbortController().signal

test('an account that uses the whole capacity of an actor does not block other accounts', async () => {
  await using fixture = await openNatsFixture()
  const { sessions } = fixture.adapters
  const capacity = 4
  await using hosted = fixture.other.sessionHost.serve('transform', {
    capacity,
    handle: async (_, session) => void (await session.next()),
  })
  const leave = new AbortController()
  await using stack = new AsyncDisposableStack()
  for (let i = 0; i < capacity; i += 1) stack.use(await sessions.open('transform', i, never, 'ann'))
  const waiting = [1, 2, 3].map((i) =>
    sessions.open('transform', i, leave.signal, 'ann').catch((error) => error as Fault),
  )

  const bobs: Session[] = []
  for (let i = 0; i < capacity / 2; i += 1)
    bobs.push(stack.use(await sessions.open('transform', i, never, 'bob')))
  expect(hosted.held).toBe(capacity + bobs.length)

  // Beyond its share the second account waits as well.
  const offers = await offersOf(fixture, 'bob', stack)
  const third = sessions.open('transform', 3, leave.signal, 'bob').catch((error) => error as Fault)
  // Each offer has its own inbox, and a second offer follows only a rejected one.
  await waitFor(
    'second offer',
    () => offers.size,
    (n) => n > 1,
  )
  expect(hosted.held).toBe(capacity + bobs.length)
  leave.abort(new Fault('cancelled', 'Enough.'))
  for (const ended of await Promise.all([...waiting, third])) expect(ended).toBe(leave.signal.reason)
}, 30_000)

/** Collects the inboxes of an account's offers from now on. */
async function offersOf(
  { nats }: NatsFixture,
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
