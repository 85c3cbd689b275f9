import { describe, expect, test } from 'bun:test'
import type { IdempotencyRecord } from '@pixelflow/core/idempotency-record'
import type { CompareAndSwapRecords } from '@pixelflow/core/ports/compare-and-swap-records'

export interface CompareAndSwapRecordsUnderTest extends AsyncDisposable {
  readonly records: CompareAndSwapRecords<IdempotencyRecord>
  /** The same records in another process. */
  readonly elsewhere: CompareAndSwapRecords<IdempotencyRecord>
}

const first: IdempotencyRecord = {
  state: 'working',
  image: '01936f2e-7c5e-7abc-9def-0123456789ab',
  task: '01936f2e-7c5e-7abc-9def-0123456789ac',
  holder: 'one',
  renewals: 0,
}

/** Registers the tests that every adapter of `CompareAndSwapRecords` must pass. */
export function compareAndSwapRecordsContract(
  name: string,
  open: () => Promise<CompareAndSwapRecordsUnderTest>,
): void {
  describe(`${name}: compare-and-swap records contract`, () => {
    test('a change is seen by every process', async () => {
      await using fixture = await open()
      expect(await fixture.records.get('local', 'k')).toBeNull()
      const one = await fixture.records.compareAndSwap('local', 'k', first, 0)
      expect(await fixture.elsewhere.get('local', 'k')).toEqual({ value: first, revision: one ?? 0 })
      const next = { ...first, renewals: 1 }
      const two = await fixture.elsewhere.compareAndSwap('local', 'k', next, one ?? 0)
      expect(two).toBeGreaterThan(one ?? Infinity)
      expect(await fixture.records.get('local', 'k')).toEqual({ value: next, revision: two ?? 0 })
      expect(await fixture.records.get('other', 'k')).toBeNull()
    })

    test('a swap with a stale revision changes nothing', async () => {
      await using fixture = await open()
      const one = (await fixture.records.compareAndSwap('local', 'k', first, 0)) ?? 0
      expect(await fixture.elsewhere.compareAndSwap('local', 'k', { ...first, holder: 'two' }, 0)).toBeNull()
      await fixture.records.compareAndSwap('local', 'k', { ...first, renewals: 1 }, one)
      expect(
        await fixture.elsewhere.compareAndSwap('local', 'k', { ...first, holder: 'two' }, one),
      ).toBeNull()
      expect((await fixture.records.get('local', 'k'))?.value.holder).toBe('one')
    })

    test('of concurrent creations exactly one succeeds', async () => {
      await using fixture = await open()
      const put = (n: number) =>
        (n % 2 ? fixture.records : fixture.elsewhere).compareAndSwap(
          'local',
          'k',
          { ...first, holder: String(n) },
          0,
        )
      const responses = await Promise.all(Array.from({ length: 20 }, (_, n) => put(n)))
      const winners = responses.flatMap((answer, n) => (answer === null ? [] : [String(n)]))
      expect(winners).toHaveLength(1)
      expect((await fixture.records.get('local', 'k'))?.value.holder).toBe(winners[0] ?? '')
    })

    test('repeating a swap returns the same revision', async () => {
      await using fixture = await open()
      const one = await fixture.records.compareAndSwap('local', 'k', first, 0)
      expect(await fixture.records.compareAndSwap('local', 'k', first, 0)).toBe(one ?? -1)
    })
  })
}
