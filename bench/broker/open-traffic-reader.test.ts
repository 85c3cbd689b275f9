import { expect, test } from 'bun:test'
import { startNats } from '@pixelflow/testkit/nats'
import { connectTo } from './connect-to.ts'
import { openTrafficReader, sumTraffic, trafficBetween } from './open-traffic-reader.ts'

const row = { in_msgs: 4, out_msgs: 2, in_bytes: 400, out_bytes: 200 }

test('the connections of a process are summed', () => {
  expect(
    sumTraffic([
      { name: 'gateway', ...row },
      { name: 'gateway-bytes', ...row },
      { name: 'actor', ...row },
    ]),
  ).toEqual({
    gateway: { messagesIn: 8, messagesOut: 4, bytesIn: 800, bytesOut: 400 },
    actor: { messagesIn: 4, messagesOut: 2, bytesIn: 400, bytesOut: 200 },
  })
})

test('the broker counts the messages of each connection', async () => {
  await using nats = await startNats()
  await using traffic = await openTrafficReader(nats)
  const connection = await connectTo(nats, 'gateway-live')
  const before = await traffic.read()
  for (let n = 0; n < 10; n += 1) connection.publish('subject', 'hello')
  await connection.flush()
  const { gateway } = trafficBetween(before, await traffic.read(), 10)
  expect(gateway).toEqual({ messagesIn: 1, messagesOut: 0, bytesIn: 5, bytesOut: 0 })
  await connection.close()
})
