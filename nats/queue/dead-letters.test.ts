import { deadLettersContract } from '@pixelflow/testkit/contracts/dead-letters'
import { openFixture } from '../testing/nats-fixture.ts'

deadLettersContract('nats', async () => {
  const { adapters, other, ...fixture } = await openFixture()
  return { ...fixture, letters: adapters.deadLetters, elsewhere: other.deadLetters }
})
