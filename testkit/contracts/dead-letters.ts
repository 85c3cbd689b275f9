import { describe, expect, test } from 'bun:test'
import { deadLetterId, type DeadLetter } from '@pixelflow/core/dead-letter'
import type { DeadLetters } from '@pixelflow/core/ports/dead-letters'
import { sampleJob } from '../tasks.ts'

export interface DeadLettersUnderTest extends AsyncDisposable {
  readonly deadLetters: DeadLetters
  /** The same dead letters in another process. */
  readonly elsewhere: DeadLetters
}

/** A dead letter as an actor writes it. */
export function sampleDeadLetter(change: Partial<DeadLetter> = {}): DeadLetter {
  return {
    ...sampleJob(),
    fault: { code: 'internal', detail: 'An unexpected error occurred.' },
    internalCause: 'Error: why',
    attempts: 5,
    actor: 'host.1',
    createdAt: new Date().toISOString(),
    ...change,
  }
}

/** Registers the tests that every adapter of `DeadLetters` must pass. */
export function deadLettersContract(name: string, open: () => Promise<DeadLettersUnderTest>): void {
  describe(`${name}: dead letters contract`, () => {
    test('a letter is stored once, visible to every process, and deleted once', async () => {
      await using fixture = await open()
      const deadLetter = sampleDeadLetter()
      const id = deadLetterId(deadLetter)
      expect(await fixture.deadLetters.get(id)).toBeNull()
      const puts = [fixture.deadLetters, fixture.elsewhere, fixture.deadLetters].map((one) =>
        one.put(deadLetter),
      )
      expect((await Promise.all(puts)).filter(Boolean)).toHaveLength(1)
      expect(await fixture.elsewhere.put({ ...deadLetter, attempts: 9 })).toBe(false)
      expect(await fixture.elsewhere.get(id)).toEqual(deadLetter)
      expect([await fixture.deadLetters.delete(id), await fixture.elsewhere.delete(id)]).toEqual([
        true,
        false,
      ])
      expect(await fixture.deadLetters.get(id)).toBeNull()
      expect(await fixture.deadLetters.put(deadLetter)).toBe(true)
    })

    test('letters are listed oldest first, in pages, for all accounts or one', async () => {
      await using fixture = await open()
      const deadLetters = Array.from({ length: 5 }, (_, i) =>
        sampleDeadLetter({ account: i % 2 === 0 ? 'ann' : 'bob', attempts: i }),
      )
      for (const one of deadLetters) await fixture.deadLetters.put(one)
      expect(await fixture.elsewhere.count()).toBe(5)
      const first = await fixture.elsewhere.list({ limit: 3 })
      expect(first.items).toEqual(deadLetters.slice(0, 3))
      expect(first.next).not.toBeNull()
      const rest = await fixture.deadLetters.list({ limit: 3, cursor: first.next ?? '' })
      expect(rest).toEqual({ items: deadLetters.slice(3), next: null })
      const bobs = await fixture.deadLetters.list({ limit: 2, account: 'bob' })
      expect(bobs).toEqual({ items: [deadLetters[1], deadLetters[3]] as DeadLetter[], next: null })
      expect(await fixture.deadLetters.list({ limit: 1, account: 'eve' })).toEqual({ items: [], next: null })
      await expect(fixture.deadLetters.list({ limit: 1, cursor: 'x' })).rejects.toMatchObject({
        code: 'invalid_request',
        hints: { field: 'cursor' },
      })
    })

    test('of concurrent replays one is recorded, and all calls return it', async () => {
      await using fixture = await open()
      const deadLetter = sampleDeadLetter()
      const id = deadLetterId(deadLetter)
      await fixture.deadLetters.put(deadLetter)
      const createdAt = new Date().toISOString()
      const recorded = Array.from({ length: 6 }, (_, i) =>
        (i % 2 === 0 ? fixture.deadLetters : fixture.elsewhere).recordReplay(id, {
          task: `task-${i}`,
          createdAt,
        }),
      )
      const [one, ...others] = await Promise.all(recorded)
      expect(one?.replay?.task).toStartWith('task-')
      for (const other of others) expect(other).toEqual(one as DeadLetter)
      expect(await fixture.elsewhere.get(id)).toEqual(one as DeadLetter)
      const second = { task: 'second', createdAt }
      expect(await fixture.deadLetters.recordReplay(id, second, 'another')).toEqual(one as DeadLetter)
      expect((await fixture.deadLetters.recordReplay(id, second, one?.replay?.task))?.replay).toEqual(second)
      expect(
        await fixture.deadLetters.recordReplay('transform.local.gone', { task: 'x', createdAt }),
      ).toBeNull()
    })

    test('an invalid id matches no letter', async () => {
      await using fixture = await open()
      await fixture.deadLetters.put(sampleDeadLetter())
      const replay = { task: 'x', createdAt: new Date().toISOString() }
      for (const id of ['*.*.*', 'transform.>', '', 'a.b']) {
        expect(await fixture.deadLetters.get(id)).toBeNull()
        expect(await fixture.deadLetters.recordReplay(id, replay)).toBeNull()
        expect(await fixture.deadLetters.delete(id)).toBe(false)
      }
      expect((await fixture.deadLetters.list({ limit: 10 })).items).toHaveLength(1)
    })
  })
}
