import { eventsContract } from '@pixelflow/testkit/contracts/events'
import { openFixture } from './fixture.ts'

eventsContract('nats', async () => {
  const { fabric, other, ...fixture } = await openFixture()
  return { ...fixture, events: fabric.events, elsewhere: other.events, log: fabric.log }
})
