import { afterAll, beforeAll, expect, test } from 'bun:test'
import { Fault } from '@pixelflow/core/fault'
import { createBudget } from '@pixelflow/fabric/budget'
import { faultOf, limits, openMisfits, type Misfits } from '../testing/misfits.ts'
import { leashed } from './leash.ts'

let misfits: Misfits
const sandbox: Misfits['sandbox'] = (options) => misfits.sandbox(options)

beforeAll(async () => {
  misfits = await openMisfits()
})
afterAll(() => misfits[Symbol.asyncDispose]())

test('bounds the processor time of all its threads', async () => {
  await using box = sandbox({ maxCpuMs: 1000, timeLimitMs: 60_000 })
  const fault = await faultOf(box.act('swarm'))
  expect(fault.code).toBe('deadline_exceeded')
  expect(fault.message).toContain('1 s of processor time')
}, 60_000)

test('lets it open few files and, where the kernel allows it, reach no network', async () => {
  await using box = sandbox()
  expect(await box.act('open')).toEqual(['EMFILE'])
  using server = Bun.listen({ hostname: '127.0.0.1', port: 0, socket: { data: () => {} } })
  // In a network of its own not even the loopback is up.
  const reached = leashed([], limits).hasNoNetwork ? 'refused' : 'connected'
  expect(await box.act('dial', { port: server.port })).toEqual([reached])
})

test('has work wait until there is memory for it, whoever came first', async () => {
  const memory = createBudget(100)
  await using box = sandbox({ children: 2, memory })
  const stop = new AbortController()
  const giant = faultOf(box.act('spin', {}, stop.signal, { appetiteBytes: 80 }))
  let isDone = false
  const other = box.act('echo', { say: 'after you' }, undefined, { appetiteBytes: 40 }).then((notes) => {
    isDone = true
    return notes
  })
  await Bun.sleep(300)
  expect(isDone).toBe(false)
  stop.abort(new Fault('cancelled', 'Make room.'))
  await giant
  expect(await other).toMatchObject([{ said: 'after you' }])
  expect(memory.tryTake(100)).toBe(true)
})

test('takes nothing up for a while after too many crashes, says so, and comes back', async () => {
  await using box = sandbox({ crashBudget: { most: 1, withinMs: 60_000, restMs: 700 } })
  expect((await faultOf(box.act('crash'))).code).toBe('processing_failed')
  expect(box.news).toContain('resting')
  const refused = await faultOf(box.act('echo'))
  expect(refused.code).toBe('unavailable')
  expect(refused.place.retryAfterMs).toBeGreaterThan(0)
  await box.made.ready(AbortSignal.timeout(10_000))
  expect(await box.act('echo', { say: 'again' })).toMatchObject([{ said: 'again' }])
})
