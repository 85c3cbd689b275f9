import { describe, expect, test } from 'bun:test'
import { Fault } from '@pixelflow/core/fault'
import type { SessionHandler, Session, SessionHost, Sessions } from '@pixelflow/core/ports/sessions'
import { catchFault } from '../catch-fault.ts'
import { stays, waitFor } from '../wait-for.ts'

export interface SessionsUnderTest extends AsyncDisposable {
  readonly sessions: Sessions
  /** The hosts of two actors. */
  readonly hosts: readonly [SessionHost, SessionHost]
}

const never = new AbortController().signal
const MiB = 2 ** 20

/** Echoes every frame, then finishes. */
async function echo(_: unknown, session: Session): Promise<void> {
  for (let frame = await session.next(); frame !== null; frame = await session.next()) {
    await session.send(frame.head, frame.body)
  }
}

function bytes(length: number, salt = 0): Uint8Array {
  const made = new Uint8Array(length)
  for (let i = 0; i < length; i += 1) made[i] = (i * 31 + (i >> 8) * 7 + salt) & 255
  return made
}

const digest = (data: Uint8Array) => new Bun.CryptoHasher('sha256').update(data).digest('hex')

/** Registers the tests that every adapter of `Sessions` and `SessionHost` must pass. */
export function sessionsContract(name: string, open: () => Promise<SessionsUnderTest>): void {
  describe(`${name}: sessions contract`, () => {
    test('frames of any size arrive whole and in order, in both directions, and both can finish', async () => {
      await using fixture = await open()
      const openings: unknown[] = []
      await using _ = fixture.hosts[0].serve('transform', {
        capacity: 1,
        handle: (opening, session) => (openings.push(opening), echo(opening, session)),
      })
      await using session = await fixture.sessions.open('transform', { hello: ['wörld'] }, never)
      expect([openings, session.wantsFrames]).toEqual([[{ hello: ['wörld'] }], true])
      expect(session.peer).not.toBe('')

      const sizes = [0, 1, 1000, 512 * 1024, 512 * 1024 + 1, 9 * MiB, 3]
      const sending = (async () => {
        for (const size of sizes) await session.send({ size }, bytes(size, size))
        await session.send(null)
        await session.finish()
      })()
      for (const size of sizes) {
        const frame = await session.next()
        expect(frame?.head).toEqual({ size })
        expect(digest(frame?.body ?? bytes(1))).toBe(digest(bytes(size, size)))
      }
      expect(await session.next()).toMatchObject({ head: null, body: { length: 0 } })
      expect(await session.next()).toBeNull()
      expect(await session.next()).toBeNull()
      await sending
      expect(session.broken.aborted).toBe(false)
    }, 20_000)

    test('a reader that does not read blocks the sender, in both directions', async () => {
      await using fixture = await open()
      let sent = 0
      const go = Promise.withResolvers<void>()
      await using _ = fixture.hosts[0].serve('transform', {
        capacity: 1,
        async handle(_, session) {
          for (; sent < 40; sent += 1) await session.send(sent, bytes(MiB, sent))
          await go.promise
          await echo(_, session)
        },
      })
      await using session = await fixture.sessions.open('transform', null, never)
      await stays('sending actor blocked', () => sent < 6, 300)
      expect(sent).toBeLessThan(6)
      for (let i = 0; i < 40; i += 1) {
        const frame = await session.next()
        expect(frame?.head).toBe(i)
        expect(digest(frame?.body ?? bytes(1))).toBe(digest(bytes(MiB, i)))
      }
      // The last frame can arrive before its sender notices.
      await waitFor('all frames sent', () => sent === 40)

      let sentBack = 0
      const sendingBack = (async () => {
        for (; sentBack < 40; sentBack += 1) await session.send(sentBack, bytes(MiB))
        await session.finish()
      })()
      await stays('sending gateway blocked', () => sentBack < 6, 300)
      expect(sentBack).toBeLessThan(6)
      go.resolve()
      let got = 0
      while ((await session.next()) !== null) got += 1
      expect(got).toBe(40)
      await sendingBack
    }, 30_000)

    test('a fault thrown by the handler is thrown at the reader', async () => {
      await using fixture = await open()
      await using _ = fixture.hosts[0].serve('preview', {
        capacity: 4,
        async handle(opening, session) {
          await session.next()
          if (opening === 'bug') throw new Error('secret')
          throw new Fault('corrupt_image', 'It is broken.', { field: 'file', remedy: 'Repair it.' })
        },
      })
      await using session = await fixture.sessions.open('preview', 'fault', never)
      await session.send(1)
      const fault = await catchFault(session.next())
      expect(fault.report()).toEqual({
        code: 'corrupt_image',
        detail: 'It is broken.',
        field: 'file',
        remedy: 'Repair it.',
      })
      expect(session.broken.reason).toBe(fault)
      expect(await catchFault(session.send(2))).toBe(fault)

      await using other = await fixture.sessions.open('preview', 'bug', never)
      await other.send(1)
      const hidden = await catchFault(other.next())
      expect(hidden.code).toBe('internal')
      expect(JSON.stringify(hidden.report())).not.toContain('secret')
    }, 20_000)

    test('the end or failure of one side is detected by the other at once, also during work', async () => {
      await using fixture = await open()
      const ends: string[] = []
      await using hosted = fixture.hosts[0].serve('transform', {
        capacity: 2,
        handle: (_, session) =>
          new Promise((_resolve, reject) =>
            session.broken.addEventListener('abort', () => {
              ends.push((session.broken.reason as Fault).code)
              reject(session.broken.reason)
            }),
          ),
      })
      const left = await fixture.sessions.open('transform', null, never)
      const failed = await fixture.sessions.open('transform', null, never)
      expect(hosted.held).toBe(2)
      await left[Symbol.asyncDispose]()
      await failed.fail(new Fault('deadline_exceeded', 'Too late.'))
      await waitFor(
        'both ends detected',
        () => ends,
        (codes) => codes.length === 2 && hosted.held === 0,
        { timeoutMs: 1000 },
      )
      expect(ends.toSorted()).toEqual(['cancelled', 'deadline_exceeded'])
      expect(hosted.held).toBe(0)
    }, 20_000)

    test('an actor runs no more sessions than its capacity, and further calls wait in order', async () => {
      await using fixture = await open()
      let most = 0
      let now = 0
      const order: unknown[] = []
      const handle = async (opening: unknown, session: Session) => {
        order.push(opening)
        most = Math.max(most, (now += 1))
        await session.next()
        // A session takes a moment, so that calls overlap.
        await Bun.sleep(5)
        now -= 1
      }
      await using _ = fixture.hosts[0].serve('transform', { capacity: 2, handle })
      const call = async (i: number) => {
        await using session = await fixture.sessions.open('transform', i, never)
        await session.send('go')
        expect(await session.next()).toBeNull()
      }
      const calls: Promise<void>[] = []
      for (let i = 0; i < 50; i += 1) {
        calls.push(call(i))
        // The calls arrive in order.
        await Bun.sleep(1)
      }
      await Promise.all(calls)
      expect(most).toBe(2)
      expect(order).toHaveLength(50)
      // Two calls may change places when both find capacity at the same moment.
      order.forEach((opening, i) => expect(Math.abs(Number(opening) - i)).toBeLessThan(5))
    }, 20_000)

    test('the capacity of two actors is found', async () => {
      await using fixture = await open()
      const taken = [0, 0]
      const handle = (i: number) => async (_: unknown, session: Session) => {
        taken[i] = (taken[i] ?? 0) + 1
        await session.next()
      }
      await using _ = fixture.hosts[0].serve('transform', { capacity: 3, handle: handle(0) })
      await using __ = fixture.hosts[1].serve('transform', { capacity: 1, handle: handle(1) })
      await using stack = new AsyncDisposableStack()
      for (let i = 0; i < 4; i += 1) stack.use(await fixture.sessions.open('transform', i, never))
      expect(taken).toEqual([3, 1])
    }, 20_000)

    test('a paused actor gets no sessions', async () => {
      await using fixture = await open()
      const taken = [0, 0]
      let isFirstPaused = true
      const handler = (i: number, isPaused: () => boolean): SessionHandler => ({
        capacity: 4,
        isPaused,
        handle: (opening, session) => ((taken[i] = (taken[i] ?? 0) + 1), echo(opening, session)),
      })
      await using _ = fixture.hosts[0].serve(
        'transform',
        handler(0, () => isFirstPaused),
      )
      await using __ = fixture.hosts[1].serve(
        'transform',
        handler(1, () => !isFirstPaused),
      )
      const exchange = async () => {
        await using session = await fixture.sessions.open('transform', null, never)
        await session.finish()
        expect(await session.next()).toBeNull()
      }
      for (let i = 0; i < 3; i += 1) await exchange()
      isFirstPaused = false
      await exchange()
      expect(taken).toEqual([1, 3])
    }, 20_000)

    test('kinds are separate; a missing kind is reported after a moment, missing capacity when the caller gives up', async () => {
      await using fixture = await open()
      await using _ = fixture.hosts[0].serve('preview', { capacity: 0, handle: echo })
      const startedAt = performance.now()
      const absent = catchFault(fixture.sessions.open('transform', null, never))
      const timeout = AbortSignal.timeout(300)
      const full = await fixture.sessions.open('preview', null, timeout).catch((error: unknown) => error)
      expect(full).toBe(timeout.reason)
      const fault = await absent
      expect(fault.code).toBe('unavailable')
      expect(fault.hints.retryAfterMs).toBeGreaterThan(0)
      expect(performance.now() - startedAt).toBeLessThan(6000)
    }, 15_000)

    test('an actor that starts during a search is found', async () => {
      await using fixture = await open()
      const opening = fixture.sessions.open('transform', null, never)
      // The search has begun by then.
      await Bun.sleep(500)
      await using _ = fixture.hosts[1].serve('transform', { capacity: 1, handle: echo })
      await using session = await opening
      await session.finish()
      expect(await session.next()).toBeNull()
    }, 20_000)

    test('draining accepts no new sessions, waits for running ones, and breaks those that do not end', async () => {
      await using fixture = await open()
      const hosted = fixture.hosts[0].serve('transform', { capacity: 5, handle: echo })
      await using quick = await fixture.sessions.open('transform', 'quick', never)
      await using slow = await fixture.sessions.open('transform', 'slow', never)
      const drained = hosted.drain(400)
      // The draining actor refuses offers by then.
      await Bun.sleep(50)
      await using _ = fixture.hosts[1].serve('transform', { capacity: 5, handle: echo })
      await using elsewhere = await fixture.sessions.open('transform', 'next', never)
      await quick.send(1)
      await quick.finish()
      expect((await quick.next())?.head).toBe(1)
      expect(await quick.next()).toBeNull()
      const fault = await catchFault(slow.next())
      expect(fault.code).toBe('actor_lost')
      await drained
      await elsewhere.send(2)
      expect((await elsewhere.next())?.head).toBe(2)
    }, 20_000)

    test('waiting for a frame can be aborted without harm', async () => {
      await using fixture = await open()
      await using _ = fixture.hosts[0].serve('transform', { capacity: 1, handle: echo })
      await using session = await fixture.sessions.open('transform', null, never)
      const timeout = AbortSignal.timeout(50)
      expect(await session.next(timeout).catch((error: unknown) => error)).toBe(timeout.reason)
      await session.send('still here')
      expect((await session.next())?.head).toBe('still here')
    }, 20_000)

    test('concurrent sends do not mix their frames', async () => {
      await using fixture = await open()
      await using _ = fixture.hosts[0].serve('transform', { capacity: 1, handle: echo })
      await using session = await fixture.sessions.open('transform', null, never)
      const sent = Promise.all([1, 2, 3].map((salt) => session.send(salt, bytes(2 * MiB, salt))))
      for (let i = 0; i < 3; i += 1) {
        const frame = await session.next()
        expect(digest(frame?.body ?? bytes(1))).toBe(digest(bytes(2 * MiB, Number(frame?.head))))
      }
      await sent
    }, 20_000)
  })
}
