import { describe, expect, test } from 'bun:test'
import type { Cancellations } from '@pixelflow/core/ports/cancellations'
import { stays, waitFor } from '../wait-for.ts'

export interface CancellationsUnderTest extends AsyncDisposable {
  readonly cancellations: Cancellations
  /** The same port in another process. */
  readonly elsewhere: Cancellations
}

/** Registers the tests that every adapter of `Cancellations` must pass. */
export function cancellationsContract(name: string, open: () => Promise<CancellationsUnderTest>): void {
  describe(`${name}: cancellations contract`, () => {
    test('a cancellation reaches every subscriber until it unsubscribes', async () => {
      await using fixture = await open()
      const received: string[] = []
      const stops = [fixture.cancellations, fixture.elsewhere].map((cancellations, i) =>
        cancellations.subscribe((account, task) => received.push(`${i} ${account} ${task}`)),
      )
      // The broker registers a subscription asynchronously.
      await Bun.sleep(50)
      await fixture.cancellations.publish('local', 't1')
      await waitFor(
        'cancellation received by both',
        () => received,
        (all) => all.length === 2,
      )
      expect(received.toSorted()).toEqual(['0 local t1', '1 local t1'])
      for (const stop of stops) stop()
      await fixture.cancellations.publish('local', 't2')
      await stays('no cancellation received', () => received.length === 2, 100)
      expect(received).toHaveLength(2)
    })

    test('publishing without a subscriber succeeds', async () => {
      await using fixture = await open()
      await fixture.cancellations.publish('local', 't1')
    })
  })
}
