import { deadLettersContract } from '@pixelflow/testkit/contracts/dead-letters'
import { openFixture } from './fixture.ts'

deadLettersContract('nats', async () => {
  const { fabric, other, ...fixture } = await openFixture()
  return { ...fixture, letters: fabric.deadLetters, elsewhere: other.deadLetters }
})
