import { expect, test } from 'bun:test'
import { jetstream } from '@nats-io/jetstream'
import { Kvm } from '@nats-io/kv'
import { recordsContract, sampleRecord } from '@pixelflow/testkit/contracts/records'
import { stays } from '@pixelflow/testkit/wait-for'
import { connect } from '../connection/connect.ts'
import { openNatsFixture, errorLogger } from '../testing/nats-fixture.ts'
import { publish } from '../jetstream/publish.ts'

recordsContract('nats', async () => {
  const { adapters, ...fixture } = await openNatsFixture()
  return { records: adapters.images, ...fixture }
})

test('the key-value client of NATS sees the same records', async () => {
  await using fixture = await openNatsFixture()
  await using broker = await connect({ settings: fixture.settings, name: 'test', log: errorLogger })
  const kv = await new Kvm(jetstream(broker.nc)).open('images')
  const { images } = fixture.adapters
  const record = sampleRecord()
  await images.create('local', record.id, record)
  expect((await kv.get(`local.${record.id}`))?.json<unknown>()).toEqual(record)
  await kv.delete(`local.${record.id}`)
  expect(await images.get('local', record.id)).toBeNull()
  await kv.create(`local.${record.id}`, JSON.stringify({ ...record, bytes: 9 }))
  expect((await images.get('local', record.id))?.bytes).toBe(9)
  await images.delete('local', record.id)
  expect((await kv.get(`local.${record.id}`))?.operation).toBe('DEL')
})

test('a record with an unknown format is refused', async () => {
  await using fixture = await openNatsFixture()
  await using broker = await connect({ settings: fixture.settings, name: 'test', log: errorLogger })
  const { id } = sampleRecord()
  await publish(broker, `$KV.images.local.${id}`, '{"id":1}')
  await expect(fixture.adapters.images.get('local', id)).rejects.toMatchObject({
    code: 'incompatible_record',
  })
})

test('records survive a broker restart, and creations wait for it', async () => {
  await using fixture = await openNatsFixture()
  const { images } = fixture.adapters
  const [first, second] = [sampleRecord(), sampleRecord()]
  await images.create('local', first.id, first)
  await fixture.nats.kill9()
  const creating = images.create('local', second.id, second)
  let isCreated = false
  void creating.then(() => (isCreated = true))
  await stays('the creation waits', () => !isCreated, 200)
  await fixture.nats.restart()
  expect(await creating).toBe(true)
  expect(await images.get('local', first.id)).toEqual(first)
}, 20_000)
