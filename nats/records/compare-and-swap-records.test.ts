import { expect, test } from 'bun:test'
import { compareAndSwapRecordsContract } from '@pixelflow/testkit/contracts/compare-and-swap-records'
import { waitFor } from '@pixelflow/testkit/wait-for'
import { openNatsFixture } from '../testing/nats-fixture.ts'

compareAndSwapRecordsContract('nats', async () => {
  const { adapters, other, ...fixture } = await openNatsFixture()
  return { ...fixture, records: adapters.keys, elsewhere: other.keys }
})

test('records expire after their retention', async () => {
  await using fixture = await openNatsFixture({ env: { PIXELFLOW_IDEMPOTENCY_RETENTION: '1s' } })
  const { keys } = fixture.adapters
  const id = Bun.randomUUIDv7()
  await keys.compareAndSwap(
    'local',
    'k',
    { state: 'open', image: id, task: id, claim: 'one', renewals: 0 },
    0,
  )
  expect(await keys.get('local', 'k')).not.toBeNull()
  await waitFor(
    'record expired',
    () => keys.get('local', 'k'),
    (record) => record === null,
  )
}, 30_000)
