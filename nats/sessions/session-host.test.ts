import { expect, test } from 'bun:test'
import { connect } from '../connection/connect.ts'
import { openNatsFixture, errorLogger } from '../testing/nats-fixture.ts'
import { createSessionHost } from './session-host.ts'
import { createSessionHub } from './session-hub.ts'
import { messageTypes } from './messages.ts'

test('an accept message that cannot be sent releases its capacity', async () => {
  await using fixture = await openNatsFixture()
  await using broker = await connect({ settings: fixture.settings, name: 'host', log: errorLogger })
  await using hub = createSessionHub(broker)
  let failures = 0
  const host = createSessionHost(
    {
      ...hub,
      publish(inbox, message) {
        if (message[0]?.[0] === messageTypes.accept && failures < 3) {
          failures += 1
          throw new Error('The connection is closed.')
        }
        hub.publish(inbox, message)
      },
    },
    errorLogger,
  )
  await using hosted = host.serve('transform', {
    capacity: 1,
    handle: async (_, session) => void (await session.next()),
  })
  await using _ = await fixture.adapters.sessions.open('transform', null, AbortSignal.timeout(20_000), 'ann')
  expect([failures, hosted.held]).toEqual([3, 1])
}, 30_000)
