import { channelContract } from '@pixelflow/testkit/contracts/channel'
import { openFixture } from './fixture.ts'

channelContract('nats', async () => {
  const { fabric, other, ...fixture } = await openFixture()
  return { ...fixture, channel: fabric.channel, elsewhere: other.channel }
})
