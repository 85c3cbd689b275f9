import { afterAll, beforeAll, expect, test } from 'bun:test'
import { existsSync, readFileSync } from 'node:fs'
import { readdir, stat } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { Fault } from '@pixelflow/core/fault'
import { createByteBudget } from '@pixelflow/core/byte-budget'
import { until } from '@pixelflow/testkit/until'
import {
  faultOf,
  faultyWorkerLimits,
  openFaultyWorkers,
  type FaultyWorkers,
} from '../testing/faulty-workers.ts'
import { createWorkerLauncher } from './worker-launcher.ts'

/** Whether a process runs; one that only waits to be taken notice of does not. */
function isRunning(pid: number): boolean {
  try {
    return !/\) [ZX]/.test(readFileSync(`/proc/${pid}/stat`, 'latin1'))
  } catch {
    return false
  }
}

let faultyWorkers: FaultyWorkers
const sandbox: FaultyWorkers['sandbox'] = (options) => faultyWorkers.sandbox(options)

beforeAll(async () => {
  faultyWorkers = await openFaultyWorkers()
})
afterAll(() => faultyWorkers[Symbol.asyncDispose]())

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
  const reached = createWorkerLauncher([], faultyWorkerLimits).hasNoNetwork ? 'refused' : 'connected'
  expect(await box.act('dial', { port: server.port })).toEqual([reached])
})

test('ends a file that grows too long, wherever it lies', async () => {
  await using box = sandbox()
  for (const path of [undefined, join(faultyWorkers.home, 'elsewhere')]) {
    const [note] = await box.act('flood', { path })
    expect(note).toEqual({ code: 'EFBIG', bytes: faultyWorkerLimits.maxFileBytes })
  }
})

test('gives each child a folder of its own, which goes when the child does', async () => {
  await using box = sandbox({ children: 2 })
  const notes = await Promise.all([box.act('litter', { ms: 100 }), box.act('litter', { ms: 100 })])
  const homes = (notes as { cwd: string; tmp: string }[][]).map(([note]) => note?.cwd ?? '')
  expect(notes.flat()).toEqual(homes.map((home) => ({ cwd: home, tmp: home })))
  expect(new Set(homes).size).toBe(2)
  for (const home of homes) {
    expect(dirname(home)).toBe(faultyWorkers.home)
    expect(((await stat(home)).mode & 0o777).toString(8)).toBe('700')
    expect(await readdir(home)).toEqual(['aside'])
  }
  await faultOf(box.act('vanish'))
  await faultOf(box.act('vanish'))
  expect(homes.filter(existsSync)).toEqual([])
})

test.each(['fork', 'forkAndGo'])('ends what a child has started, and the child with it: %s', async (name) => {
  await using box = sandbox()
  const heard: number[] = []
  const fault = await faultOf(
    box.made
      .run({
        kind: 'act',
        account: 'ann',
        input: { act: name },
        memoryEstimateBytes: 1,
        signal: new AbortController().signal,
        onNote: (pid) => heard.push(pid as number),
      })
      .then(() => box.act('spin')),
  )
  // The kernel need not tell who has started whom; then the time is up some day.
  expect(['processing_failed', 'deadline_exceeded']).toContain(fault.code)
  expect(heard.length).toBe(1)
  await until(() => !isRunning(heard[0] ?? 0))
})

test('does not wait for who got away from a child and holds its pipe open', async () => {
  await using box = sandbox()
  const file = join(faultyWorkers.home, 'away')
  // Some are caught while they are being started.
  await until(async () => {
    expect((await faultOf(box.act('slip', { file }))).code).toBe('processing_failed')
    return existsSync(file)
  })
  const away = readFileSync(file, 'utf8').trim().split(' ').map(Number)
  expect(away.filter(isRunning)).toEqual(away)
  for (const pid of away) process.kill(pid, 'SIGKILL')
})

test('has work wait until there is memory for it, whoever came first', async () => {
  const memory = createByteBudget(100)
  await using box = sandbox({ children: 2, memory })
  const stop = new AbortController()
  const giant = faultOf(box.act('spin', {}, stop.signal, { memoryEstimateBytes: 80 }))
  let isDone = false
  const other = box
    .act('echo', { say: 'after you' }, undefined, { memoryEstimateBytes: 40 })
    .then((notes) => {
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
  await using box = sandbox({ circuitBreaker: { most: 1, withinMs: 60_000, restMs: 700 } })
  expect((await faultOf(box.act('crash'))).code).toBe('processing_failed')
  expect(box.news).toContain('resting')
  const refused = await faultOf(box.act('echo'))
  expect(refused.code).toBe('unavailable')
  expect(refused.hints.retryAfterMs).toBeGreaterThan(0)
  await box.made.ready(AbortSignal.timeout(10_000))
  expect(await box.act('echo', { say: 'again' })).toMatchObject([{ said: 'again' }])
})
