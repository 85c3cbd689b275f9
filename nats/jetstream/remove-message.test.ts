import { expect, test } from 'bun:test'
import { connect } from '../connection/connect.ts'
import { recordStream, recordSubject } from '../topology/buckets.ts'
import { openNatsFixture, errorLogger } from '../testing/nats-fixture.ts'
import { publish } from './publish.ts'
import { removeMessage } from './remove-message.ts'
import { readStreamInfo } from './read-stream-info.ts'

test('removing a message twice is harmless, and a refused removal is an error', async () => {
  await using fixture = await openNatsFixture()
  await using broker = await connect({ settings: fixture.settings, name: 'test', log: errorLogger })
  const seq = await publish(broker, 'dead_letters.transform.local.one', '{}')
  await publish(broker, 'dead_letters.transform.local.two', '{}')
  for (let i = 0; i < 2; i++) await removeMessage(broker, 'DEAD_LETTERS', seq)
  await removeMessage(broker, 'DEAD_LETTERS', 1000)
  expect((await readStreamInfo(broker, 'DEAD_LETTERS')).state.messages).toBe(1)

  const kept = await publish(broker, recordSubject('images', 'local', 'one'), '{}')
  await expect(removeMessage(broker, recordStream('images'), kept)).rejects.toMatchObject({ code: 10057 })
})
