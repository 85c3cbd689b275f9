import { expect, test } from 'bun:test'
import { registryContract, reportOf } from '@pixelflow/testkit/contracts/registry'
import { waitFor } from '@pixelflow/testkit/wait-for'
import { openNatsFixture } from '../testing/nats-fixture.ts'

registryContract('nats', async () => {
  const { adapters, other, ...fixture } = await openNatsFixture()
  return { ...fixture, registry: adapters.registry, elsewhere: other.registry }
})

test('an actor that disappears without a withdrawal expires after some seconds', async () => {
  await using fixture = await openNatsFixture()
  using roster = fixture.adapters.registry.follow()
  fixture.other.registry.announce(() => reportOf('ann.1'))
  await waitFor(
    'actor known',
    () => roster.actors,
    ({ length }) => length === 1,
  )
  await fixture.other[Symbol.asyncDispose]()
  const begun = performance.now()
  await waitFor(
    'actor forgotten',
    () => roster.actors,
    ({ length }) => length === 0,
  )
  expect(performance.now() - begun).toBeGreaterThan(3000)
  expect(performance.now() - begun).toBeLessThan(7000)
}, 30_000)

test('known actors are known again at once after a broker restart', async () => {
  await using fixture = await openNatsFixture()
  using roster = fixture.adapters.registry.follow()
  let held = 0
  await using _ann = fixture.other.registry.announce(() => reportOf('ann.1', { held }))
  await waitFor(
    'actor known',
    () => roster.actors,
    ({ length }) => length === 1,
  )
  await fixture.nats.kill9()
  held = 7
  await fixture.nats.restart()
  await waitFor(
    'new report known',
    () => roster.actors[0]?.report.held,
    (n) => n === 7,
  )
}, 30_000)
