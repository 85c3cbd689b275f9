import { describe, expect, test } from 'bun:test'
import { Fault } from '@pixelflow/core/fault'
import type { Session } from '@pixelflow/core/ports/sessions'
import { catchFault } from '@pixelflow/testkit/catch-fault'
import { waitFor } from '@pixelflow/testkit/wait-for'
import { openNatsFixture, type NatsFixture } from '../testing/nats-fixture.ts'

/** Sessions in which only the actor sends frames. */

const never = new AbortController().signal

function serve({ other }: NatsFixture, handle: (session: Session) => Promise<void>) {
  return other.sessionHost.serve('transform', {
    capacity: 2,
    wantsFrames: (opening) => opening !== 'all',
    handle: (_, session) => handle(session),
  })
}

describe('a session whose actor wants no frames', () => {
  test('delivers those of the actor, and both sides end', async () => {
    await using fixture = await openNatsFixture()
    const ends: unknown[] = []
    await using hosted = serve(fixture, async (session) => {
      ends.push(session.wantsFrames, await session.next())
      await session.send('result', new Uint8Array(3_000_000).fill(7))
      await session.send('rest')
    })
    await using session = await fixture.adapters.sessions.open('transform', 'all', never)
    expect(session.wantsFrames).toBe(false)
    const first = await session.next()
    expect([first?.head, first?.body.length]).toEqual(['result', 3_000_000])
    expect((await session.next())?.head).toBe('rest')
    expect(await session.next()).toBeNull()
    expect(ends).toEqual([true, null])
    await expect(session.send('more')).rejects.toThrow('has finished')
    await session.finish()
    await waitFor(
      'session ended',
      () => hosted.held,
      (held) => held === 0,
    )
    expect(session.broken.aborted).toBe(false)
  }, 20_000)

  test('is accepted before its first frame', async () => {
    await using fixture = await openNatsFixture()
    const go = Promise.withResolvers<void>()
    await using _ = serve(fixture, async (session) => {
      await go.promise
      await session.send('late')
    })
    await using session = await fixture.adapters.sessions.open('transform', 'all', never)
    go.resolve()
    expect((await session.next())?.head).toBe('late')
  }, 20_000)

  test('that fails at once reports its fault', async () => {
    await using fixture = await openNatsFixture()
    await using _ = serve(fixture, async () => {
      throw new Fault('corrupt_image', 'It is broken.')
    })
    await using session = await fixture.adapters.sessions.open('transform', 'all', never)
    expect((await catchFault(session.next())).code).toBe('corrupt_image')
  }, 20_000)

  test('is cancelled by a gateway that leaves, also before it is accepted', async () => {
    await using fixture = await openNatsFixture()
    const leaving = new AbortController()
    let broken = 0
    const stopped = Promise.withResolvers<void>()
    await using hosted = serve(fixture, async (session) => {
      session.broken.addEventListener('abort', () => {
        broken += 1
        stopped.resolve()
      })
      leaving.abort(new Fault('cancelled', 'Enough.'))
      await stopped.promise
    })
    const opening = fixture.adapters.sessions.open('transform', 'all', leaving.signal)
    expect((await catchFault(opening)).report().detail).toBe('Enough.')
    await stopped.promise
    expect(broken).toBe(1)
    await waitFor(
      'session ended',
      () => hosted.held,
      (held) => held === 0,
    )
  }, 20_000)
})
