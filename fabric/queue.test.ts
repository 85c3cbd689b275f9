import { queueContract } from '@pixelflow/testkit/contracts/queue'
import { openFixture } from './fixture.ts'

queueContract('nats', async () => {
  const { fabric, other, ...fixture } = await openFixture()
  return { ...fixture, queue: fabric.queue, work: fabric.work, elsewhere: other.work }
})
