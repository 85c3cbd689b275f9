import { recordsContract } from '@pixelflow/testkit/contracts/records'
import { openFixture } from './fixture.ts'

recordsContract('nats', async () => {
  const { fabric, ...fixture } = await openFixture()
  return { records: fabric.images, ...fixture }
})
