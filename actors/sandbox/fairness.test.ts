import { expect, test } from 'bun:test'
import { Fault } from '@pixelflow/core/fault'
import { waitFor } from '@pixelflow/testkit/wait-for'
import { catchFault } from '@pixelflow/testkit/catch-fault'
import { useFixture } from '@pixelflow/testkit/use-fixture'
import { openFaultyWorkers, type FaultyWorkers } from '../testing/faulty-workers.ts'

/** Accounts share real workers. */

let faultyWorkers: FaultyWorkers

useFixture(openFaultyWorkers, (opened) => (faultyWorkers = opened))

test('endless work that holds all workers loses one to another account and keeps the other', async () => {
  await using box = faultyWorkers.sandbox({
    workers: 2,
    preemptAfterMs: 50,
    timeLimitMs: 60_000,
    maxCpuMs: 60_000,
  })
  const stop = new AbortController()
  const starts: number[] = []
  const spin = (n: number) =>
    catchFault(box.run('spin', {}, stop.signal, { account: 'ann', onStart: () => starts.push(n) }))
  const endless = [spin(0), spin(1), spin(2), spin(3)]
  await waitFor(
    'both workers busy',
    () => starts,
    (started) => started.length === 2,
  )

  for (let i = 0; i < 3; i += 1)
    expect(await box.run('echo', { say: i }, undefined, { account: 'bob' })).toHaveLength(1)

  // The oldest work was never preempted. Preempted work starts again.
  expect(box.events).toContain('ann preempted for bob')
  expect(starts.filter((n) => n === 0)).toHaveLength(1)
  await waitFor(
    'preempted work started again',
    () => starts,
    (started) => started.length > 2,
  )
  expect(starts.slice(2).every((n) => n === 1)).toBe(true)
  stop.abort(new Fault('cancelled', 'Enough.'))
  expect((await Promise.all(endless)).map(({ code }) => code)).toEqual(Array.from(endless, () => 'cancelled'))
}, 60_000)

test('work is preempted once, and the worker then stays reserved between the calls of the other account', async () => {
  await using box = faultyWorkers.sandbox({
    workers: 2,
    preemptAfterMs: 1000,
    timeLimitMs: 60_000,
    maxCpuMs: 60_000,
  })
  const stop = new AbortController()
  let starts = 0
  const spin = () =>
    catchFault(box.run('spin', {}, stop.signal, { account: 'ann', onStart: () => void (starts += 1) }))
  const endless = [spin(), spin(), spin()]
  await waitFor(
    'both workers busy',
    () => starts,
    (count) => count === 2,
  )
  for (let i = 0; i < 5; i += 1) await box.run('echo', {}, undefined, { account: 'bob' })
  expect(box.events).toEqual(['ann preempted for bob'])
  expect(starts).toBe(2)
  // The reservation expires while bob is idle; ann's work then continues.
  await waitFor(
    'third work started',
    () => starts,
    (count) => count === 3,
    { timeoutMs: 30_000 },
  )
  stop.abort(new Fault('cancelled', 'Enough.'))
  await Promise.all(endless)
}, 60_000)

test('waiting work is served round-robin by account', async () => {
  await using box = faultyWorkers.sandbox()
  await box.currentPid()
  const stop = new AbortController()
  const busy = catchFault(box.run('spin', {}, stop.signal, { account: 'ann' }))
  const order: string[] = []
  const work = (account: string) =>
    box.run('echo', {}, undefined, { account, onStart: () => order.push(account) })
  const all = ['ann', 'ann', 'ann', 'bob', 'cid'].map(work)
  stop.abort(new Fault('cancelled', 'Free the worker.'))
  await Promise.all([busy, ...all])
  expect(order).toEqual(['bob', 'cid', 'ann', 'ann', 'ann'])
}, 30_000)

test('preempted work completes with all its notes', async () => {
  await using box = faultyWorkers.sandbox({ workers: 2, preemptAfterMs: 50 })
  const stop = new AbortController()
  const starts: string[] = []
  const busy = catchFault(
    box.run('spin', {}, stop.signal, { account: 'ann', onStart: () => starts.push('spin') }),
  )
  await waitFor(
    'first work started',
    () => starts,
    (started) => started.length === 1,
  )
  const writing = box.run('writeFile', { ms: 1000 }, undefined, {
    account: 'ann',
    onStart: () => starts.push('writeFile'),
  })
  await waitFor(
    'second work started',
    () => starts,
    (started) => started.length === 2,
  )
  await box.run('echo', {}, undefined, { account: 'bob' })
  expect(await writing).toMatchObject([{ cwd: expect.any(String) }])
  expect(starts.filter((turn) => turn === 'writeFile').length).toBeGreaterThan(1)
  expect(box.events.filter((line) => line !== 'ann preempted for bob')).toEqual([])
  stop.abort(new Fault('cancelled', 'Enough.'))
  await busy
}, 30_000)
