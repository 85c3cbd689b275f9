import { describe, expect, test } from 'bun:test'
import type { Cancellations } from '@pixelflow/core/ports/cancellations'

export interface CancellationsUnderTest extends AsyncDisposable {
  readonly cancellations: Cancellations
  /** The same port in another process. */
  readonly elsewhere: Cancellations
}

/** Registers the tests that every adapter of `Cancellations` must pass. */
export function cancellationsContract(name: string, open: () => Promise<CancellationsUnderTest>): void {
  describe(`${name}: cancellations contract`, () => {
    test('a cancellation reaches every subscriber until it unsubscribes', async () => {
      await using under = await open()
      const received: string[] = []
      const stops = [under.cancellations, under.elsewhere].map((cancellations, i) =>
        cancellations.subscribe((account, task) => received.push(`${i} ${account} ${task}`)),
      )
      await Bun.sleep(50)
      await under.cancellations.publish('local', 't1')
      await Bun.sleep(100)
      expect(received.toSorted()).toEqual(['0 local t1', '1 local t1'])
      for (const stop of stops) stop()
      await under.cancellations.publish('local', 't2')
      await Bun.sleep(100)
      expect(received).toHaveLength(2)
    })

    test('publishing without a subscriber succeeds', async () => {
      await using under = await open()
      await under.cancellations.publish('local', 't1')
    })
  })
}
