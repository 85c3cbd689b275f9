import { expect, test } from 'bun:test'
import { existsSync, readFileSync } from 'node:fs'
import { readdir, stat } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { Fault } from '@pixelflow/core/fault'
import { createByteBudget } from '@pixelflow/core/byte-budget'
import { isRunning, waitForExit } from '@pixelflow/testkit/process'
import { stays, waitFor } from '@pixelflow/testkit/wait-for'
import { catchFault } from '@pixelflow/testkit/catch-fault'
import { useFixture } from '@pixelflow/testkit/use-fixture'
import { faultyWorkerLimits, openFaultyWorkers, type FaultyWorkers } from '../testing/faulty-workers.ts'
import { createWorkerLauncher } from './worker-launcher.ts'

let faultyWorkers: FaultyWorkers
const sandbox: FaultyWorkers['sandbox'] = (options) => faultyWorkers.sandbox(options)

useFixture(openFaultyWorkers, (opened) => (faultyWorkers = opened))

test('limits the CPU time of all threads', async () => {
  await using box = sandbox({ maxCpuMs: 1000, timeLimitMs: 60_000 })
  const fault = await catchFault(box.run('spawnThreads'))
  expect(fault.code).toBe('deadline_exceeded')
  expect(fault.message).toContain('1 s of processor time')
}, 60_000)

test('limits open files and, where the kernel allows it, denies network', async () => {
  await using box = sandbox()
  expect(await box.run('open')).toEqual(['EMFILE'])
  using server = Bun.listen({ hostname: '127.0.0.1', port: 0, socket: { data: () => {} } })
  // In a new network namespace not even loopback is up.
  const reached = createWorkerLauncher([], faultyWorkerLimits).hasNoNetwork ? 'refused' : 'connected'
  expect(await box.run('dial', { port: server.port })).toEqual([reached])
})

test('limits the size of written files in every folder', async () => {
  await using box = sandbox()
  for (const path of [undefined, join(faultyWorkers.home, 'elsewhere')]) {
    const [note] = await box.run('flood', { path })
    expect(note).toEqual({ code: 'EFBIG', bytes: faultyWorkerLimits.maxFileBytes })
  }
})

test('gives each worker a private folder and removes it with the worker', async () => {
  await using box = sandbox({ workers: 2 })
  const notes = await Promise.all([box.run('writeFile', { ms: 100 }), box.run('writeFile', { ms: 100 })])
  const homes = (notes as { cwd: string; tmp: string }[][]).map(([note]) => note?.cwd ?? '')
  expect(notes.flat()).toEqual(homes.map((home) => ({ cwd: home, tmp: home })))
  expect(new Set(homes).size).toBe(2)
  for (const home of homes) {
    expect(dirname(home)).toBe(faultyWorkers.home)
    expect(((await stat(home)).mode & 0o777).toString(8)).toBe('700')
    expect(await readdir(home)).toEqual(['aside'])
  }
  await catchFault(box.run('killSelf'))
  await catchFault(box.run('killSelf'))
  expect(homes.filter(existsSync)).toEqual([])
})

test.each(['fork', 'forkAndReturn'])(
  'kills a worker that starts processes, with those processes: %s',
  async (name) => {
    await using box = sandbox()
    const pids: number[] = []
    const fault = await catchFault(
      box.sandbox
        .run({
          kind: 'fault',
          account: 'ann',
          input: { behaviour: name },
          memoryEstimateBytes: 1,
          signal: new AbortController().signal,
          onNote: (pid) => pids.push(pid as number),
        })
        .then(() => box.run('spin')),
    )
    // Kernels without /proc/<pid>/task/<tid>/children detect nothing; the time limit ends the work there.
    expect(['processing_failed', 'deadline_exceeded']).toContain(fault.code)
    expect(pids.length).toBe(1)
    await waitForExit(pids, 15_000)
  },
)

test('does not wait for a process that left the group and holds the pipe open', async () => {
  await using box = sandbox()
  const file = join(faultyWorkers.home, 'away')
  // Some are killed before they have left the group.
  await waitFor('process left the group', async () => {
    expect((await catchFault(box.run('escape', { file }))).code).toBe('processing_failed')
    return existsSync(file)
  })
  const escaped = readFileSync(file, 'utf8').trim().split(' ').map(Number)
  expect(escaped.filter(isRunning)).toEqual(escaped)
  for (const pid of escaped) process.kill(pid, 'SIGKILL')
})

test('queues work until its memory estimate is free', async () => {
  const memory = createByteBudget(100)
  await using box = sandbox({ workers: 2, memory })
  const stop = new AbortController()
  const giant = catchFault(box.run('spin', {}, stop.signal, { memoryEstimateBytes: 80 }))
  let isDone = false
  const other = box
    .run('echo', { say: 'after you' }, undefined, { memoryEstimateBytes: 40 })
    .then((notes) => {
      isDone = true
      return notes
    })
  await stays('work queued', () => !isDone, 300)
  expect(isDone).toBe(false)
  stop.abort(new Fault('cancelled', 'Free the worker.'))
  await giant
  expect(await other).toMatchObject([{ echo: 'after you' }])
  expect(memory.tryAcquire(100)).toBe(true)
})

test('opens the circuit after too many crashes, and closes it again', async () => {
  await using box = sandbox({ circuitBreaker: { maxCrashes: 1, windowMs: 60_000, openMs: 700 } })
  expect((await catchFault(box.run('crash'))).code).toBe('processing_failed')
  expect(box.events).toContain('circuit open')
  const refused = await catchFault(box.run('echo'))
  expect(refused.code).toBe('unavailable')
  expect(refused.hints.retryAfterMs).toBeGreaterThan(0)
  await box.sandbox.ready(AbortSignal.timeout(10_000))
  expect(await box.run('echo', { say: 'again' })).toMatchObject([{ echo: 'again' }])
})
