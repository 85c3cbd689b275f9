import { acceptancesContract } from '@pixelflow/testkit/contracts/acceptances'
import { openFixture } from './fixture.ts'

acceptancesContract('nats', 300, async () => {
  const { fabric, other, ...fixture } = await openFixture({ reconcileAfterMs: 300 })
  return {
    ...fixture,
    ...fabric,
    elsewhere: other.acceptances,
    [Symbol.asyncDispose]: fixture[Symbol.asyncDispose],
  }
})
