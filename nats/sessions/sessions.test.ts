import { expect, test } from 'bun:test'
import { resolve } from 'node:path'
import { Fault } from '@pixelflow/core/fault'
import { sessionsContract } from '@pixelflow/testkit/contracts/sessions'
import { freePort } from '@pixelflow/testkit/port'
import { launch, hasMessage } from '@pixelflow/testkit/process'
import { stays, waitFor } from '@pixelflow/testkit/wait-for'
import { openNatsFixture } from '../testing/nats-fixture.ts'

const never = new AbortController().signal

sessionsContract('nats', async () => {
  const { adapters, other, ...fixture } = await openNatsFixture()
  return { ...fixture, sessions: adapters.sessions, hosts: [other.sessionHost, adapters.sessionHost] }
})

/** Starts an echo service as a process. */
async function startEchoService(env: Readonly<Record<string, string>>) {
  const actor = launch({
    command: [process.execPath, resolve(import.meta.dir, '../testing/echo-service.ts')],
    env: { ...env },
  })
  await actor.line(hasMessage('ready'))
  return actor
}

for (const signal of ['SIGKILL', 'SIGSTOP'] as const) {
  test(`an actor killed by ${signal} is noticed within seconds, and gets no further sessions`, async () => {
    await using fixture = await openNatsFixture()
    await using actor = await startEchoService(fixture.nats.env)
    await using session = await fixture.adapters.sessions.open('preview', null, never)
    await session.send('hello')
    expect((await session.next())?.head).toBe('hello')
    // Longer than the session timeout: heartbeats keep it open.
    await stays('the idle session is open', () => !session.broken.aborted, 3500)

    const begin = performance.now()
    process.kill(actor.pid, signal)
    const fault = (await session.next().catch((error: unknown) => error)) as Fault
    expect(fault.code).toBe('actor_lost')
    // The broker reports a killed process; a stopped one is noticed by the timeout.
    expect(performance.now() - begin).toBeLessThan(signal === 'SIGKILL' ? 2000 : 5000)

    // The broker still delivers offers to the stopped process; the other one accepts them.
    await using _ = fixture.other.sessionHost.serve('preview', { capacity: 9, handle: async () => {} })
    for (let i = 0; i < 4; i += 1) {
      await using next = await fixture.adapters.sessions.open('preview', null, never)
      expect(await next.next()).toBeNull()
    }
    if (signal === 'SIGSTOP') process.kill(actor.pid, 'SIGKILL')
  }, 30_000)
}

test('a broker restart breaks sessions on both sides, and new ones work afterwards', async () => {
  await using fixture = await openNatsFixture()
  const ends: Fault[] = []
  await using hosted = fixture.other.sessionHost.serve('preview', {
    capacity: 2,
    handle: (_, session) =>
      new Promise((resolve) => {
        session.broken.addEventListener('abort', () => {
          ends.push(session.broken.reason as Fault)
          resolve()
        })
        // Ends together with the gateway's side.
        void session.next().then(
          (frame) => frame === null && resolve(),
          () => {},
        )
      }),
  })
  await using session = await fixture.adapters.sessions.open('preview', null, never)
  await fixture.nats.kill9()
  const fault = (await session.next().catch((error: unknown) => error)) as Fault
  expect(fault.code).toBe('actor_lost')
  await waitFor(
    'session ended',
    () => [ends.length, hosted.held],
    ([ended, held]) => ended === 1 && held === 0,
  )
  expect(ends[0]?.code).toBe('actor_lost')
  await fixture.nats.restart()
  const opened = await waitFor('new session', () =>
    fixture.adapters.sessions.open('preview', null, never).catch(() => undefined),
  )
  await opened?.finish()
  expect(await opened?.next()).toBeNull()
}, 30_000)

test('sessions leave no subscription behind, however they end', async () => {
  const port = await freePort()
  await using fixture = await openNatsFixture({ nats: { config: `http: "127.0.0.1:${port}"` } })
  const subscriptions = async () => {
    const answer = await fetch(`http://127.0.0.1:${port}/subsz`)
    return ((await answer.json()) as { num_subscriptions: number }).num_subscriptions
  }
  await using hosted = fixture.other.sessionHost.serve('preview', {
    capacity: 4,
    async handle(opening, session) {
      if (opening === 0) throw new Fault('corrupt_image', 'No.')
      await session.send(opening)
      await session.next()
    },
  })
  const call = async (how: number) => {
    await using session = await fixture.adapters.sessions.open('preview', how, never)
    if (how === 1) return
    if (how === 2) return session.fail(new Fault('cancelled', 'Enough.'))
    await session.finish()
    for (let frame = await session.next(); frame !== null; frame = await session.next());
  }
  await call(3)
  const before = await subscriptions()
  await Promise.allSettled(Array.from({ length: 40 }, (_, i) => call(i % 4)))
  await waitFor(
    'sessions ended',
    () => hosted.held,
    (n) => n === 0,
  )
  expect(await subscriptions()).toBe(before)
})
