import { expect, test } from 'bun:test'
import { connect } from '@nats-io/transport-node'
import type { Session } from '@pixelflow/core/ports/sessions'
import { openNatsFixture } from '../testing/nats-fixture.ts'
import { encodeMessage, messageTypes } from './messages.ts'
import { offerSubject } from '../topology/subjects.ts'

test('a late rejection does not break the session that another actor has accepted', async () => {
  await using fixture = await openNatsFixture()
  const { url, user, password } = fixture.nats
  const late = await connect({ servers: url, user, pass: password })
  const reply = Promise.withResolvers<string>()
  late.subscribe(offerSubject('transform'), { callback: (_, { reply: to = '' }) => reply.resolve(to) })
  await late.flush()
  const echo = async (_: unknown, session: Session) => {
    for (let frame = await session.next(); frame !== null; frame = await session.next())
      await session.send(frame.head)
  }
  await using _ = fixture.other.sessionHost.serve('transform', { capacity: 1, handle: echo })
  await using session = await fixture.adapters.sessions.open('transform', null, new AbortController().signal)

  late.publish(await reply.promise, Buffer.concat(encodeMessage(messageTypes.busy, 0)))
  await late.flush()
  for (const word of ['one', 'two']) {
    await session.send(word)
    expect((await session.next())?.head).toBe(word)
  }
  expect(session.broken.aborted).toBe(false)
  await late.close()
}, 30_000)
