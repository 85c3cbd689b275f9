import { deadLettersContract } from '@pixelflow/testkit/contracts/dead-letters'
import { openNatsFixture } from '../testing/nats-fixture.ts'

deadLettersContract('nats', async () => {
  const { adapters, other, ...fixture } = await openNatsFixture()
  return { ...fixture, deadLetters: adapters.deadLetters, elsewhere: other.deadLetters }
})
