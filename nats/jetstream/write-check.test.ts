import { expect, test } from 'bun:test'
import { waitFor } from '@pixelflow/testkit/wait-for'
import { connect } from '../connection/connect.ts'
import { openNatsFixture, errorLogger } from '../testing/nats-fixture.ts'
import { readStreamInfo } from './read-stream-info.ts'
import { streams } from '../topology/streams.ts'
import { Unreachable } from '../connection/unreachable.ts'
import { createWriteFailures } from './write-failures.ts'

test('a check writes repeatedly and keeps one message of each process', async () => {
  await using fixture = await openNatsFixture()
  await using broker = await connect({ settings: fixture.settings, name: 'test', log: errorLogger })
  await using one = fixture.adapters.checkWrites('one')
  await using two = fixture.other.checkWrites('two')
  await Promise.all([one.firstWrite, two.firstWrite])
  await waitFor(
    'both write repeatedly',
    async () => (await readStreamInfo(broker, streams.health)).state.last_seq,
    (seq) => seq >= 4,
  )
  expect((await readStreamInfo(broker, streams.health)).state.messages).toBe(2)
  for (const { state } of [one, two])
    expect(state).toEqual({ isOk: true, ageMs: expect.any(Number) as number })
}, 30_000)

const patient = { timeoutMs: 30_000 }

test('a frozen broker fails the check until it continues', async () => {
  await using fixture = await openNatsFixture()
  await using check = fixture.adapters.checkWrites('one')
  await check.firstWrite
  expect(check.state.isOk).toBe(true)
  process.kill(fixture.nats.pid, 'SIGSTOP')
  await waitFor(
    'check failed',
    () => check.state,
    ({ isOk }) => !isOk,
    patient,
  )
  expect(check.state.reason).toContain('does not commit writes')
  process.kill(fixture.nats.pid, 'SIGCONT')
  await waitFor(
    'check passed',
    () => check.state,
    ({ isOk }) => isOk,
    patient,
  )
}, 90_000)

test('consecutive failures of a stream count until a write succeeds', () => {
  const failures = createWriteFailures()
  const timeout = new Unreachable('no answer')
  failures.note('$O.sources.C.a', timeout)
  expect(failures.failing).toEqual([])
  failures.note('$O.sources.C.b', timeout)
  failures.note('events.local._.a', timeout)
  failures.note('events.local._.a', timeout)
  expect(failures.failing).toEqual(['$O.sources', 'events'])
  failures.note('events.local._.b')
  expect(failures.failing).toEqual(['$O.sources'])
  failures.clear()
  expect(failures.failing).toEqual([])
})
