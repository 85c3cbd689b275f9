import { describe, expect, test } from 'bun:test'
import { deadLetterId, type DeadLetter } from '@pixelflow/core/dead-letter'
import type { DeadLetters } from '@pixelflow/core/ports/dead-letters'
import { sampleJob } from '../tasks.ts'

export interface DeadLettersUnderTest extends AsyncDisposable {
  readonly letters: DeadLetters
  /** The same letters in another process. */
  readonly elsewhere: DeadLetters
}

/** A dead letter as an actor writes it. */
export function sampleLetter(change: Partial<DeadLetter> = {}): DeadLetter {
  return {
    ...sampleJob(),
    cause: { report: { code: 'internal', detail: 'An unexpected error occurred.' }, private: 'Error: why' },
    attempts: 5,
    actor: 'host.1',
    at: new Date().toISOString(),
    ...change,
  }
}

/** Registers the tests that every adapter of `DeadLetters` must pass. */
export function deadLettersContract(name: string, open: () => Promise<DeadLettersUnderTest>): void {
  describe(`${name}: dead letters contract`, () => {
    test('a letter is stored once, visible to every process, and deleted once', async () => {
      await using under = await open()
      const letter = sampleLetter()
      const id = deadLetterId(letter)
      expect(await under.letters.get(id)).toBeNull()
      const puts = [under.letters, under.elsewhere, under.letters].map((one) => one.put(letter))
      expect((await Promise.all(puts)).filter(Boolean)).toHaveLength(1)
      expect(await under.elsewhere.put({ ...letter, attempts: 9 })).toBe(false)
      expect(await under.elsewhere.get(id)).toEqual(letter)
      expect([await under.letters.delete(id), await under.elsewhere.delete(id)]).toEqual([true, false])
      expect(await under.letters.get(id)).toBeNull()
      expect(await under.letters.put(letter)).toBe(true)
    })

    test('letters are listed oldest first, in pages, for all accounts or one', async () => {
      await using under = await open()
      const letters = Array.from({ length: 5 }, (_, i) =>
        sampleLetter({ account: i % 2 === 0 ? 'ann' : 'bob', attempts: i }),
      )
      for (const one of letters) await under.letters.put(one)
      expect(await under.elsewhere.count()).toBe(5)
      const first = await under.elsewhere.list({ limit: 3 })
      expect(first.items).toEqual(letters.slice(0, 3))
      expect(first.next).not.toBeNull()
      const rest = await under.letters.list({ limit: 3, cursor: first.next ?? '' })
      expect(rest).toEqual({ items: letters.slice(3), next: null })
      const bobs = await under.letters.list({ limit: 2, account: 'bob' })
      expect(bobs).toEqual({ items: [letters[1], letters[3]] as DeadLetter[], next: null })
      expect(await under.letters.list({ limit: 1, account: 'eve' })).toEqual({ items: [], next: null })
      await expect(under.letters.list({ limit: 1, cursor: 'x' })).rejects.toMatchObject({
        code: 'invalid_request',
        hints: { field: 'cursor' },
      })
    })

    test('of concurrent replays one is recorded, and all calls return it', async () => {
      await using under = await open()
      const letter = sampleLetter()
      const id = deadLetterId(letter)
      await under.letters.put(letter)
      const at = new Date().toISOString()
      const recorded = Array.from({ length: 6 }, (_, i) =>
        (i % 2 === 0 ? under.letters : under.elsewhere).recordReplay(id, { task: `task-${i}`, at }),
      )
      const [one, ...others] = await Promise.all(recorded)
      expect(one?.replay?.task).toStartWith('task-')
      for (const other of others) expect(other).toEqual(one as DeadLetter)
      expect(await under.elsewhere.get(id)).toEqual(one as DeadLetter)
      const second = { task: 'second', at }
      expect(await under.letters.recordReplay(id, second, 'another')).toEqual(one as DeadLetter)
      expect((await under.letters.recordReplay(id, second, one?.replay?.task))?.replay).toEqual(second)
      expect(await under.letters.recordReplay('transform.local.gone', { task: 'x', at })).toBeNull()
    })

    test('an invalid id matches no letter', async () => {
      await using under = await open()
      await under.letters.put(sampleLetter())
      const replay = { task: 'x', at: new Date().toISOString() }
      for (const id of ['*.*.*', 'transform.>', '', 'a.b']) {
        expect(await under.letters.get(id)).toBeNull()
        expect(await under.letters.recordReplay(id, replay)).toBeNull()
        expect(await under.letters.delete(id)).toBe(false)
      }
      expect((await under.letters.list({ limit: 10 })).items).toHaveLength(1)
    })
  })
}
