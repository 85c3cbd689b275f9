import { expect, test } from 'bun:test'
import { startNats, type NatsOptions } from '@pixelflow/testkit/nats'
import { waitFor } from '@pixelflow/testkit/wait-for'
import { readSettings } from '@pixelflow/platform/config/read-settings'
import { errorLogger } from '../testing/nats-fixture.ts'
import { natsSettings } from '../nats-settings.ts'
import { connect } from './connect.ts'
import { JetStreamError } from './jet-stream-error.ts'
import { NoResponders, Unreachable } from './unreachable.ts'

/** A nats-server and a connection to it, with a service on `echo` that answers with the request. */
async function openConnection(options: NatsOptions = {}) {
  await using stack = new AsyncDisposableStack()
  const nats = stack.use(await startNats(options))
  const settings = readSettings(natsSettings, nats.env)
  const broker = stack.use(await connect({ settings, name: 'test', log: errorLogger }))
  broker.wire.subscribe('echo', ({ reply, headerBlock, chunks }) => {
    broker.wire.publish(reply, chunks, headerBlock.length === 0 ? {} : { headers: headerBlock })
  })
  // Never answers.
  broker.wire.subscribe('silent', () => {})
  const owned = stack.move()
  return { nats, broker, [Symbol.asyncDispose]: () => owned.disposeAsync() }
}
const thrownBy = (promise: Promise<unknown>) =>
  promise.then(
    () => undefined,
    (thrown: unknown) => thrown,
  )

test('a request is answered, with its content and headers unchanged, whatever its size', async () => {
  await using fixture = await openConnection()
  const { broker } = fixture
  const headers = { 'X-Name': 'naïve – ü', 'X-Empty': '' }
  for (const size of [0, 1, 1000, 20_000, 500_000]) {
    const content = crypto.getRandomValues(Buffer.alloc(Math.min(size, 65_536)))
    const payload = Buffer.concat(Array.from({ length: Math.ceil(size / 65_536) }, () => content))
    const answer = await broker.request('echo', payload, { headers })
    expect(answer.data.equals(payload)).toBe(true)
    expect(answer.headerBlock.toString()).toBe('NATS/1.0\r\nX-Name: naïve – ü\r\nX-Empty: \r\n\r\n')
  }
  expect((await broker.request('echo', '{"text":"naïve – ü"}')).json<unknown>()).toEqual({
    text: 'naïve – ü',
  })
  expect((await broker.request('echo')).string()).toBe('')
})

test('many requests at once get their own responses', async () => {
  await using fixture = await openConnection()
  const texts = Array.from({ length: 2000 }, (_, i) => `${i}`.repeat(1 + (i % 50)))
  const responses = await Promise.all(texts.map((text) => fixture.broker.request('echo', text)))
  expect(responses.map((response) => response.string())).toEqual(texts)
})

test('a message follows the subscription of the client library that expects its answer', async () => {
  await using fixture = await openConnection()
  const { nc, wire } = fixture.broker
  const answer = Promise.withResolvers<string>()
  nc.subscribe('answer.here', { callback: (_, msg) => answer.resolve(msg.string()) })
  wire.publish('echo', 'hello', { reply: 'answer.here' })
  expect(await answer.promise).toBe('hello')
})

test('a request without an answer fails: no responders, timeout, refused, disconnect', async () => {
  await using fixture = await openConnection({ permissions: 'publish: { deny: ["forbidden.>"] }' })
  const { broker, nats } = fixture
  expect(await thrownBy(broker.request('unserved'))).toBeInstanceOf(NoResponders)
  const late = await thrownBy(broker.request('silent', '', { timeoutMs: 200 }))
  expect(late).toBeInstanceOf(Unreachable)
  expect((late as Error).message).toContain('timeout')
  const refused = await thrownBy(broker.request('forbidden.a'))
  expect(refused).toBeInstanceOf(JetStreamError)
  expect((refused as JetStreamError).code).toBe(403)

  const pending = thrownBy(broker.request('silent', '', { timeoutMs: 60_000 }))
  await nats.kill9()
  expect(await pending).toBeInstanceOf(Unreachable)
  // While disconnected a request waits for the connection.
  const waiting = broker.request('echo', 'again', { timeoutMs: 20_000 })
  await nats.restart()
  expect((await waiting).string()).toBe('again')
}, 40_000)

test('what the server would refuse with a disconnect fails here, and the connection stays', async () => {
  await using fixture = await openConnection()
  const { broker } = fixture
  let breaks = 0
  broker.onDisconnect(() => (breaks += 1))
  expect(await thrownBy(broker.request('echo', new Uint8Array(2 * 2 ** 20)))).toBeInstanceOf(Unreachable)
  expect(await thrownBy(broker.request('two words'))).toBeInstanceOf(Unreachable)
  const twoLines = broker.request('echo', '', { headers: { name: 'two\r\nlines' } })
  expect(await thrownBy(twoLines)).toBeInstanceOf(RangeError)
  expect((await broker.request('echo', 'still here')).string()).toBe('still here')
  expect(breaks).toBe(0)
})

test('an interception that throws breaks the connection, which comes back', async () => {
  await using fixture = await openConnection()
  const { broker } = fixture
  broker.wire.subscribe('faulty', () => {
    throw new Error('a defect')
  })
  broker.wire.publish('faulty', '')
  await waitFor('disconnect', () => !broker.isConnected)
  await waitFor('reconnect', () => broker.isConnected)
  expect((await broker.request('echo', 'again')).string()).toBe('again')
}, 20_000)
