import { afterAll, beforeAll, expect, test } from 'bun:test'
import { Fault } from '@pixelflow/core/fault'
import { until } from '@pixelflow/testkit/until'
import { faultOf, openFaultyWorkers, type FaultyWorkers } from '../testing/faulty-workers.ts'

/** Accounts share real children. */

let faultyWorkers: FaultyWorkers

beforeAll(async () => {
  faultyWorkers = await openFaultyWorkers()
})
afterAll(() => faultyWorkers[Symbol.asyncDispose]())

test('an account that holds all children with endless work gives one to another account, and keeps the other', async () => {
  await using box = faultyWorkers.sandbox({
    children: 2,
    preemptAfterMs: 50,
    timeLimitMs: 60_000,
    maxCpuMs: 60_000,
  })
  const stop = new AbortController()
  const begun: number[] = []
  const spin = (n: number) =>
    faultOf(box.act('spin', {}, stop.signal, { account: 'ann', onTurn: () => begun.push(n) }))
  const endless = [spin(0), spin(1), spin(2), spin(3)]
  await until(() => begun.length === 2)

  for (let i = 0; i < 3; i += 1)
    expect(await box.act('echo', { say: i }, undefined, { account: 'bob' })).toHaveLength(1)

  // The one that had begun first was never stopped; the ones that were stopped start again.
  expect(box.news).toContain('ann preempted for bob')
  expect(begun.filter((n) => n === 0)).toHaveLength(1)
  await until(() => begun.length > 2)
  expect(begun.slice(2).every((n) => n === 1)).toBe(true)
  stop.abort(new Fault('cancelled', 'Enough.'))
  expect((await Promise.all(endless)).map(({ code }) => code)).toEqual(Array.from(endless, () => 'cancelled'))
}, 60_000)

test('work is stopped once, and its child then stays with the other account from call to call', async () => {
  await using box = faultyWorkers.sandbox({
    children: 2,
    preemptAfterMs: 1000,
    timeLimitMs: 60_000,
    maxCpuMs: 60_000,
  })
  const stop = new AbortController()
  let begun = 0
  const spin = () =>
    faultOf(box.act('spin', {}, stop.signal, { account: 'ann', onTurn: () => void (begun += 1) }))
  const endless = [spin(), spin(), spin()]
  await until(() => begun === 2)
  for (let i = 0; i < 5; i += 1) await box.act('echo', {}, undefined, { account: 'bob' })
  expect(box.news).toEqual(['ann preempted for bob'])
  expect(begun).toBe(2)
  // Not for ever: once bob has been away for a while, ann's work goes on.
  await until(() => begun === 3, 30_000)
  stop.abort(new Fault('cancelled', 'Enough.'))
  await Promise.all(endless)
}, 60_000)

test('work that waits for a child is served in turns by account', async () => {
  await using box = faultyWorkers.sandbox()
  await box.pidNow()
  const stop = new AbortController()
  const busy = faultOf(box.act('spin', {}, stop.signal, { account: 'ann' }))
  const order: string[] = []
  const work = (account: string) =>
    box.act('echo', {}, undefined, { account, onTurn: () => order.push(account) })
  const all = ['ann', 'ann', 'ann', 'bob', 'cid'].map(work)
  stop.abort(new Fault('cancelled', 'Make room.'))
  await Promise.all([busy, ...all])
  expect(order).toEqual(['bob', 'cid', 'ann', 'ann', 'ann'])
}, 30_000)

test('work that was preempted ends as it would have ended, with all its notes', async () => {
  await using box = faultyWorkers.sandbox({ children: 2, preemptAfterMs: 50 })
  const stop = new AbortController()
  const turns: string[] = []
  const busy = faultOf(box.act('spin', {}, stop.signal, { account: 'ann', onTurn: () => turns.push('spin') }))
  await until(() => turns.length === 1)
  const litter = box.act('litter', { ms: 1000 }, undefined, {
    account: 'ann',
    onTurn: () => turns.push('litter'),
  })
  await until(() => turns.length === 2)
  await box.act('echo', {}, undefined, { account: 'bob' })
  expect(await litter).toMatchObject([{ cwd: expect.any(String) }])
  expect(turns.filter((turn) => turn === 'litter').length).toBeGreaterThan(1)
  expect(box.news.filter((line) => line !== 'ann preempted for bob')).toEqual([])
  stop.abort(new Fault('cancelled', 'Enough.'))
  await busy
}, 30_000)
