import { expect, test } from 'bun:test'
import { repeatUntilAborted, type Failure } from './repeat-until-aborted.ts'

const backoff = { initialMs: 2, maxMs: 8, random: () => 1 }

/** Repeats work that fails where `outcomes` says so, once for each of them; returns the failures. */
async function repeat(outcomes: readonly ('ends' | 'fails' | 'succeeds, then fails')[]): Promise<Failure[]> {
  const over = new AbortController()
  const failures: Failure[] = []
  let runs = 0
  await repeatUntilAborted(
    async (resetBackoff) => {
      const outcome = outcomes[runs++]
      if (outcome === 'succeeds, then fails') resetBackoff()
      if (outcome === undefined) over.abort()
      if (outcome !== 'ends') throw new Error('Failed.')
    },
    { signal: over.signal, backoff, onFailure: (_, failure) => void failures.push(failure) },
  )
  expect(runs).toBe(outcomes.length + 1)
  return failures
}

test('work is repeated until the signal aborts, and a failure after that is not reported', async () => {
  expect(await repeat(['ends', 'ends'])).toEqual([])
})

test('the pause grows with consecutive failures, up to its limit', async () => {
  const failures = await repeat(['fails', 'fails', 'fails', 'fails'])
  expect(failures).toEqual([
    { failures: 1, retryInMs: 2 },
    { failures: 2, retryInMs: 4 },
    { failures: 3, retryInMs: 8 },
    { failures: 4, retryInMs: 8 },
  ])
})

test('a success resets the pause', async () => {
  const failures = await repeat(['fails', 'fails', 'ends', 'fails', 'succeeds, then fails'])
  expect(failures.map((one) => one.failures)).toEqual([1, 2, 1, 1])
})

test('an aborted signal runs nothing, and ends a pause', async () => {
  let runs = 0
  const work = async () => {
    runs += 1
    throw new Error('Failed.')
  }
  await repeatUntilAborted(work, { signal: AbortSignal.abort(), onFailure: () => {} })
  expect(runs).toBe(0)
  const over = new AbortController()
  const startedAt = performance.now()
  await repeatUntilAborted(work, {
    signal: over.signal,
    backoff: { initialMs: 60_000, maxMs: 60_000 },
    onFailure: () => void setTimeout(() => over.abort(), 5),
  })
  expect(runs).toBe(1)
  expect(performance.now() - startedAt).toBeLessThan(1000)
})
