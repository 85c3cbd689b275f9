import { expect, test } from 'bun:test'
import { waitFor } from '@pixelflow/testkit/wait-for'
import { createSharedTimer } from './shared-timer.ts'

/** Waits that share a timer, by their deadlines. */
function openWaits() {
  const deadlines = new Set<number>()
  const ended: number[] = []
  let checks = 0
  const timer = createSharedTimer(() => {
    checks += 1
    const now = performance.now()
    for (const deadline of deadlines) {
      if (deadline > now) continue
      deadlines.delete(deadline)
      ended.push(deadline)
    }
    return Math.min(...deadlines)
  })
  return {
    ended,
    get checks() {
      return checks
    },
    begin(ms: number) {
      const deadline = performance.now() + ms
      deadlines.add(deadline)
      timer.checkBy(deadline)
      return deadline
    },
    finish: (deadline: number) => deadlines.delete(deadline),
  }
}

test('waits end in the order of their deadlines, however they began', async () => {
  const waits = openWaits()
  const [late, early] = [waits.begin(60), waits.begin(20)]
  const middle = waits.begin(40)
  await waitFor(
    'all waits ended',
    () => waits.ended.length,
    (count) => count === 3,
  )
  expect(waits.ended).toEqual([early, middle, late])
})

test('waits that finish in time cost one check together', async () => {
  const waits = openWaits()
  for (let count = 0; count < 100; count += 1) waits.finish(waits.begin(20))
  await waitFor(
    'check',
    () => waits.checks,
    (count) => count > 0,
  )
  const last = waits.begin(5)
  await waitFor(
    'last wait ended',
    () => waits.ended,
    (ended) => ended.includes(last),
  )
  expect(waits.ended).toEqual([last])
})
