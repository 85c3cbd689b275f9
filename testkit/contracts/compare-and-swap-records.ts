import { describe, expect, test } from 'bun:test'
import type { IdempotencyRecord } from '@pixelflow/core/idempotency-record'
import type { Fenced } from '@pixelflow/core/ports/compare-and-swap-records'

export interface FencedUnderTest extends AsyncDisposable {
  readonly fenced: Fenced<IdempotencyRecord>
  /** Another process's end. */
  readonly elsewhere: Fenced<IdempotencyRecord>
}

const first: IdempotencyRecord = {
  state: 'working',
  image: '01936f2e-7c5e-7abc-9def-0123456789ab',
  task: '01936f2e-7c5e-7abc-9def-0123456789ac',
  attempt: 'one',
  beat: 0,
}

/** What every adapter of `Fenced` has to hold. Registers the tests. */
export function fencedContract(name: string, open: () => Promise<FencedUnderTest>): void {
  describe(`${name}: fenced contract`, () => {
    test('a value changes step by step, in sight of all', async () => {
      await using under = await open()
      expect(await under.fenced.get('local', 'k')).toBeNull()
      const one = await under.fenced.put('local', 'k', first, 0)
      expect(await under.elsewhere.get('local', 'k')).toEqual({ value: first, revision: one ?? 0 })
      const next = { ...first, beat: 1 }
      const two = await under.elsewhere.put('local', 'k', next, one ?? 0)
      expect(two).toBeGreaterThan(one ?? Infinity)
      expect(await under.fenced.get('local', 'k')).toEqual({ value: next, revision: two ?? 0 })
      expect(await under.fenced.get('other', 'k')).toBeNull()
    })

    test('whoever does not know the newest value changes nothing', async () => {
      await using under = await open()
      const one = (await under.fenced.put('local', 'k', first, 0)) ?? 0
      expect(await under.elsewhere.put('local', 'k', { ...first, attempt: 'two' }, 0)).toBeNull()
      await under.fenced.put('local', 'k', { ...first, beat: 1 }, one)
      expect(await under.elsewhere.put('local', 'k', { ...first, attempt: 'two' }, one)).toBeNull()
      expect((await under.fenced.get('local', 'k'))?.value.attempt).toBe('one')
    })

    test('of many who begin at once, one succeeds', async () => {
      await using under = await open()
      const put = (n: number) =>
        (n % 2 ? under.fenced : under.elsewhere).put('local', 'k', { ...first, attempt: String(n) }, 0)
      const answers = await Promise.all(Array.from({ length: 20 }, (_, n) => put(n)))
      const winners = answers.flatMap((answer, n) => (answer === null ? [] : [String(n)]))
      expect(winners).toHaveLength(1)
      expect((await under.fenced.get('local', 'k'))?.value.attempt).toBe(winners[0] ?? '')
    })

    test('said twice in the same words is said once', async () => {
      await using under = await open()
      const one = await under.fenced.put('local', 'k', first, 0)
      expect(await under.fenced.put('local', 'k', first, 0)).toBe(one ?? -1)
    })
  })
}
