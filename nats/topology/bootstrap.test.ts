import { describe, expect, test } from 'bun:test'
import { createServer, type AddressInfo, type Socket } from 'node:net'
import { startNats } from '@pixelflow/testkit/nats'
import { bootstrap } from './bootstrap.ts'
import { readSettings } from '@pixelflow/platform/config/read-settings'
import { connect } from '../connection/connect.ts'
import { openNatsFixture, errorLogger } from '../testing/nats-fixture.ts'
import { readConsumerInfo } from '../jetstream/read-consumer-info.ts'
import { createStream } from '../jetstream/create-stream.ts'
import { readStreamInfo } from '../jetstream/read-stream-info.ts'
import { openAdapters } from '../open-adapters.ts'
import { natsSettings } from '../nats-settings.ts'
import { consumersOf } from './consumers.ts'
import { describeRetention } from '../testing/describe-retention.ts'
import { streamsOf } from './streams.ts'

function settingsFor(env: Record<string, string>) {
  return readSettings(natsSettings, env)
}

describe('bootstrap', () => {
  test('many processes may run it at once, with different settings', async () => {
    await using nats = await startNats()
    const settings = settingsFor(nats.env)
    await using stack = new AsyncDisposableStack()
    const brokers = await Promise.all(
      Array.from({ length: 6 }, async () =>
        stack.use(await connect({ settings, name: 'test', log: errorLogger })),
      ),
    )
    await Promise.all(
      brokers.map((broker, i) => bootstrap(broker, { ...settings, maxQueued: 100 + (i % 2) })),
    )
    const [broker] = brokers as [(typeof brokers)[0]]
    for (const { name, subjects, retention, max_age } of streamsOf(settings)) {
      expect((await readStreamInfo(broker, name)).config).toMatchObject({
        subjects,
        retention,
        max_age: max_age ?? 0,
      })
    }
    for (const { stream, config } of consumersOf(settings)) {
      expect((await readConsumerInfo(broker, stream, config.durable_name)).config).toMatchObject(config)
    }
  })

  test('updates changed settings and keeps stored data', async () => {
    await using fixture = await openNatsFixture()
    const { settings, adapters } = fixture
    await using broker = await connect({ settings, name: 'test', log: errorLogger })
    const write = await adapters.sources.begin()
    await write.write(new Uint8Array(10))
    await write.commit(() => 'a')
    await bootstrap(broker, { ...settings, taskRetentionMs: 3_600_000, maxQueued: 7 })
    expect((await readStreamInfo(broker, 'EVENTS')).config.max_age).toBe(3_600_000e6)
    expect((await readStreamInfo(broker, 'JOBS')).config.max_msgs).toBe(7)
    expect((await adapters.sources.stat('a'))?.bytes).toBe(10)
  })

  test('a stream that another program uses is named', async () => {
    await using nats = await startNats()
    const settings = settingsFor(nats.env)
    await using broker = await connect({ settings, name: 'test', log: errorLogger })
    await createStream(broker, { name: 'JOBS', subjects: ['other'], retention: 'limits', storage: 'memory' })
    await expect(bootstrap(broker, settings)).rejects.toThrow('stream JOBS cannot be set up')
  })

  test('a missing permission is reported at once', async () => {
    await using nats = await startNats({ permissions: 'publish: { deny: "$JS.API.STREAM.CREATE.JOBS" }' })
    const begin = performance.now()
    const open = openAdapters({ settings: settingsFor(nats.env), name: 'test', log: errorLogger })
    await expect(open).rejects.toThrow(/stream JOBS cannot be set up .*Permissions Violation/)
    // Well below the minute of retries.
    expect(performance.now() - begin).toBeLessThan(20_000)
  })

  test('a broker without JetStream is refused', async () => {
    await using nats = await startNats({ jetstream: false })
    const open = openAdapters({ settings: settingsFor(nats.env), name: 'test', log: errorLogger })
    await expect(open).rejects.toThrow('JetStream is not enabled')
  }, 15_000)

  test('a broker that is too old is refused', async () => {
    using old = await oldServer()
    const open = openAdapters({
      settings: settingsFor({ NATS_URL: old.url }),
      name: 'test',
      log: errorLogger,
    })
    await expect(open).rejects.toMatchObject({
      message: 'The NATS server 2.11.4 is too old.',
      hints: { remedy: 'Use nats-server 2.12 or newer.' },
    })
  })
})

describe('connect', () => {
  test('waits for a broker that starts late', async () => {
    await using nats = await startNats()
    await nats.kill9()
    setTimeout(() => void nats.restart(), 500)
    await using broker = await connect({ settings: settingsFor(nats.env), name: 'test', log: errorLogger })
    expect(broker.isConnected).toBe(true)
  })

  test('fails with a remedy when no server answers', async () => {
    const settings = settingsFor({ NATS_URL: 'nats://127.0.0.1:9' })
    await expect(connect({ settings, name: 'test', log: errorLogger, waitMs: 300 })).rejects.toMatchObject({
      code: 'unavailable',
      message: 'No NATS server answered at nats://127.0.0.1:9 within 0.3 s.',
      hints: { remedy: 'Start nats-server there, or set NATS_URL to where it runs.' },
    })
  })

  test('reports wrong credentials at once', async () => {
    await using nats = await startNats()
    const settings = settingsFor({ ...nats.env, PIXELFLOW_NATS_PASSWORD: 'wrong' })
    const begin = performance.now()
    await expect(connect({ settings, name: 'test', log: errorLogger })).rejects.toThrow(
      'refused the credentials',
    )
    // Well below the 30 seconds that it waits for a broker.
    expect(performance.now() - begin).toBeLessThan(10_000)
  })

  test('a missing credentials file is named', async () => {
    const settings = settingsFor({ PIXELFLOW_NATS_CREDS_FILE: '/nowhere/pixelflow.creds' })
    await expect(connect({ settings, name: 'test', log: errorLogger })).rejects.toThrow(
      '/nowhere/pixelflow.creds',
    )
  })
})

test('the retention of every stream can be documented', () => {
  expect(describeRetention(settingsFor({}))).toEqual([
    '| `EVENTS` | `events.*.*.*` | 7d | – |',
    '| `JOBS` | `jobs.*.*.*.*.*` | until it is done | 1000000 messages |',
    '| `BACKLOG` | `backlog.*.*.*.*` | until it is done | 1000000 messages |',
    '| `LEADERS` | `leaders.*` | until it is done | – |',
    '| `RETRIES` | `retry.*.*.*.*.*`, `due.*.*.*.*.*` | 7d | – |',
    '| `ADVISORIES` | `$JS.EVENT.ADVISORY.CONSUMER.MAX_DELIVERIES.JOBS.*`, `$JS.EVENT.ADVISORY.CONSUMER.MSG_TERMINATED.JOBS.*` | 7d | 1000000 messages |',
    '| `DEAD_LETTERS` | `dead_letters.*.*.*` | 7d | 1000000 messages |',
    '| `HEALTH` | `health.*` | 1h | – |',
    '| `KV_images` | `$KV.images.>` | 7d | – |',
    '| `KV_idempotency` | `$KV.idempotency.>` | 1d | – |',
    '| `OBJ_sources` | `$O.sources.C.>`, `$O.sources.M.>` | 14d | – |',
    '| `OBJ_results` | `$O.results.C.>`, `$O.results.M.>` | 7d | – |',
  ])
})

/** A server that identifies itself as nats-server 2.11, and answers pings and requests for account information. */
async function oldServer() {
  const info = {
    server_id: 'x',
    version: '2.11.4',
    proto: 1,
    headers: true,
    max_payload: 1048576,
    jetstream: true,
    api_lvl: 1,
  }
  const greet = (socket: Socket) => {
    const sids = new Map<string, string>()
    socket.on('error', () => {})
    socket.on('data', (data) => {
      const text = data.toString()
      for (const _ of text.matchAll(/PING\r\n/g)) socket.write('PONG\r\n')
      for (const [, subject = '', sid = ''] of text.matchAll(/SUB (\S+)\.\* (\S+)\r\n/g))
        sids.set(subject, sid)
      const reply = /PUB \$JS\.API\.INFO (\S+) /.exec(text)?.[1]
      const sid = sids.get(reply?.replace(/\.[^.]*$/, '') ?? '')
      if (reply && sid) socket.write(`MSG ${reply} ${sid} 2\r\n{}\r\n`)
    })
    socket.write(`INFO ${JSON.stringify(info)}\r\n`)
  }
  const server = createServer(greet)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  return { url: `nats://127.0.0.1:${port}`, [Symbol.dispose]: () => void server.close() }
}
