import { expect, test } from 'bun:test'
import { compareAndSwapRecordsContract } from '@pixelflow/testkit/contracts/compare-and-swap-records'
import { waitFor } from '@pixelflow/testkit/wait-for'
import { openNatsFixture } from '../testing/nats-fixture.ts'

compareAndSwapRecordsContract('nats', async () => {
  const { adapters, other, ...fixture } = await openNatsFixture()
  return { ...fixture, records: adapters.idempotencyRecords, elsewhere: other.idempotencyRecords }
})

test('records expire after their retention', async () => {
  await using fixture = await openNatsFixture({ env: { PIXELFLOW_IDEMPOTENCY_RETENTION: '1s' } })
  const { idempotencyRecords } = fixture.adapters
  const id = Bun.randomUUIDv7()
  await idempotencyRecords.compareAndSwap(
    'local',
    'k',
    { state: 'open', image: id, task: id, holder: 'one', renewals: 0 },
    0,
  )
  expect(await idempotencyRecords.get('local', 'k')).not.toBeNull()
  await waitFor(
    'record expired',
    () => idempotencyRecords.get('local', 'k'),
    (record) => record === null,
  )
}, 30_000)
