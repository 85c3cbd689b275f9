import { test } from 'bun:test'
import { channelContract } from '@pixelflow/testkit/contracts/cancellations'
import { openFixture, until } from '../testing/nats-fixture.ts'

channelContract('nats', async () => {
  const { adapters, other, ...fixture } = await openFixture()
  return { ...fixture, channel: adapters.channel, elsewhere: other.channel }
})

test('a broker that dies: who listened before listens after', async () => {
  await using fixture = await openFixture()
  const heard: string[] = []
  fixture.other.channel.onCancel((_, task) => heard.push(task))
  await fixture.nats.kill9()
  await fixture.nats.restart()
  await until(async () => {
    await fixture.adapters.channel.cancel('local', 't1')
    return heard.includes('t1')
  })
})
