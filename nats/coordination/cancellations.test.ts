import { test } from 'bun:test'
import { cancellationsContract } from '@pixelflow/testkit/contracts/cancellations'
import { waitFor } from '@pixelflow/testkit/wait-for'
import { openNatsFixture } from '../testing/nats-fixture.ts'

cancellationsContract('nats', async () => {
  const { adapters, other, ...fixture } = await openNatsFixture()
  return { ...fixture, cancellations: adapters.cancellations, elsewhere: other.cancellations }
})

test('a subscription survives a broker restart', async () => {
  await using fixture = await openNatsFixture()
  const received: string[] = []
  fixture.other.cancellations.subscribe((_, task) => received.push(task))
  await fixture.nats.kill9()
  await fixture.nats.restart()
  await waitFor(
    'cancellation received',
    async () => {
      await fixture.adapters.cancellations.publish('local', 't1')
      return received
    },
    (tasks) => tasks.includes('t1'),
  )
})
