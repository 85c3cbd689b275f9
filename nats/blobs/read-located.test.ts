import { expect, test } from 'bun:test'
import { Fault } from '@pixelflow/core/fault'
import { digest, noise } from '@pixelflow/testkit/contracts/blobs'
import { createBlobs } from './blobs.ts'
import { connect } from '../connection/connect.ts'
import { trafficOf } from '../testing/traffic-of.ts'
import { errorLogger, openNatsFixture } from '../testing/nats-fixture.ts'

const mebibyte = 1024 * 1024

test.each([1000, mebibyte])('reading %d bytes by location sends one message', async (size) => {
  await using fixture = await openNatsFixture()
  await using broker = await connect({ settings: fixture.settings, name: 'test', log: errorLogger })
  const blobs = createBlobs(broker, fixture.adapters.clock, 'sources', fixture.settings)
  const write = await blobs.begin()
  await write.write(noise(size))
  const { info } = await write.commit(() => 'a')
  const before = trafficOf(broker).sent
  const body = blobs.readLocated(info, () => new Fault('internal', 'missing', { remedy: '' }))
  expect(digest(Buffer.concat(await Array.fromAsync(body)))).toBe(digest(noise(size)))
  // A request has some 120 bytes; a second one would look up the name.
  const sent = trafficOf(broker).sent - before
  expect(sent).toBeGreaterThan(50)
  expect(sent).toBeLessThan(180)
})
