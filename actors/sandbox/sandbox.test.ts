import { describe, expect, test } from 'bun:test'
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { Fault, type FaultCode } from '@pixelflow/core/fault'
import { createByteBudget } from '@pixelflow/core/byte-budget'
import { isRunning, waitForExit } from '@pixelflow/testkit/process'
import { waitFor } from '@pixelflow/testkit/wait-for'
import { catchFault } from '@pixelflow/testkit/catch-fault'
import { useFixture } from '@pixelflow/testkit/use-fixture'
import { faultyWorkerLimits, openFaultyWorkers, type FaultyWorkers } from '../testing/faulty-workers.ts'
import { createWorkerLauncher } from './worker-launcher.ts'
import type { SandboxOptions } from './sandbox.ts'

let faultyWorkers: FaultyWorkers
const sandbox: FaultyWorkers['sandbox'] = (options) => faultyWorkers.sandbox(options)

useFixture(openFaultyWorkers, (opened) => (faultyWorkers = opened))

describe('a worker', () => {
  test('runs work, sends notes, does not inherit the environment, and is reused', async () => {
    await using box = sandbox()
    const [note] = (await box.run('echo', { say: 'hello' })) as { echo: string; pid: number; env: string[] }[]
    expect(note?.echo).toBe('hello')
    expect(note?.env.toSorted()).toEqual(['MARK', 'PWD', 'TMPDIR'])
    expect(await box.currentPid()).toBe(note?.pid ?? 0)
    expect(box.sandbox.pids).toEqual([note?.pid ?? 0])
  })

  test('sends all notes in order, before the end of the work', async () => {
    await using box = sandbox()
    expect(await box.run('count')).toEqual([1, 2, 3, 4, 5])
  })

  test('reports faults with a private cause, and other errors as internal', async () => {
    await using box = sandbox()
    const refused = await catchFault(box.run('refuse'))
    expect(refused.report()).toMatchObject({ code: 'corrupt_image', detail: 'It is broken.', field: 'x' })
    expect(refused.cause).toBe('secret')
    const stumbled = await catchFault(box.run('throwBug'))
    expect(stumbled.code).toBe('internal')
    expect(stumbled.message).not.toContain('a bug')
    expect(String(stumbled.cause)).toContain('a bug')
    expect(box.events).toEqual([])
  })

  test.each<[string, FaultCode, Partial<SandboxOptions>, string]>([
    ['spin', 'deadline_exceeded', { timeLimitMs: 300 }, '0.3 s'],
    ['allocate', 'resource_limit_exceeded', { maxRssBytes: 256 * 2 ** 20 }, '256 MiB'],
    ['killSelf', 'actor_lost', {}, 'killed'],
    ['sendInvalid', 'processing_failed', {}, 'invalid message'],
    ['crash', 'processing_failed', {}, 'twice'],
  ])('with behaviour %s ends with %s and is replaced', async (name, code, options, text) => {
    await using box = sandbox(options)
    const before = await box.currentPid()
    const fault = await catchFault(box.run(name))
    expect(fault.code).toBe(code)
    expect(fault.message).toContain(text)
    expect(isRunning(before)).toBe(false)
    expect(await box.currentPid()).not.toBe(before)
    expect(box.events.length).toBe(name === 'crash' ? 2 : 1)
  })

  test('that crashes once is replaced and the work runs again', async () => {
    await using box = sandbox()
    expect(await box.run('crashOnce', { flag: join(faultyWorkers.home, crypto.randomUUID()) })).toEqual([
      'made it',
    ])
  })

  test('is killed within a second when the work is cancelled', async () => {
    await using box = sandbox()
    const pid = await box.currentPid()
    const stop = new AbortController()
    let isStarted = false
    const work = catchFault(box.run('spin', {}, stop.signal, { onStart: () => void (isStarted = true) }))
    await waitFor('work started', () => isStarted)
    const cancelledAt = performance.now()
    stop.abort(new Fault('cancelled', 'Not wanted.'))
    expect((await work).code).toBe('cancelled')
    expect(performance.now() - cancelledAt).toBeLessThan(1000)
    expect(isRunning(pid)).toBe(false)
  })

  test('is replaced after a number of work items, or when its memory has grown', async () => {
    await using box = sandbox({ recycleAfter: 2 })
    const first = await box.currentPid()
    expect(await box.currentPid()).toBe(first)
    expect(await box.currentPid()).not.toBe(first)
    await using greedy = sandbox({ recycleRssBytes: 96 * 2 ** 20 })
    const grown = await greedy.currentPid()
    await greedy.run('leak')
    expect(await greedy.currentPid()).not.toBe(grown)
  })
})

describe('the pool', () => {
  test('queues further work for a free worker, and removes cancelled work', async () => {
    await using box = sandbox()
    await box.currentPid()
    const stop = new AbortController()
    const busy = catchFault(box.run('spin', {}, stop.signal))
    const leave = new AbortController()
    const cancelled = catchFault(box.run('echo', {}, leave.signal))
    const waiting = box.run('echo', { say: 'after you' })
    leave.abort(new Fault('cancelled', 'Too long.'))
    expect((await cancelled).message).toBe('Too long.')
    stop.abort(new Fault('cancelled', 'Free the worker.'))
    await busy
    expect(await waiting).toMatchObject([{ echo: 'after you' }])
  })

  test('runs low-priority work after other work, for workers and for memory', async () => {
    await using box = sandbox({ memory: createByteBudget(100) })
    await box.currentPid()
    const stop = new AbortController()
    const busy = catchFault(box.run('spin', {}, stop.signal, { memoryEstimateBytes: 60 }))
    const order: string[] = []
    const work = (name: string, isLowPriority: boolean) =>
      box.run('echo', {}, undefined, {
        memoryEstimateBytes: 100,
        isLowPriority,
        onStart: () => order.push(name),
      })
    const all = [
      work('bulk', true),
      work('more bulk', true),
      work('urgent', false),
      work('urgent too', false),
    ]
    stop.abort(new Fault('cancelled', 'Free the worker.'))
    await Promise.all([busy, ...all])
    expect(order).toEqual(['urgent', 'urgent too', 'bulk', 'more bulk'])
  })

  test('reserves no memory for work that waits for a worker', async () => {
    const memory = createByteBudget(100)
    await using box = sandbox({ memory })
    await using beside = sandbox({ memory })
    await Promise.all([box.currentPid(), beside.currentPid()])
    const stop = new AbortController()
    const busy = catchFault(box.run('spin', {}, stop.signal, { memoryEstimateBytes: 50 }))
    const waiting = catchFault(box.run('echo', {}, stop.signal, { memoryEstimateBytes: 50 }))
    await beside.run('echo', {}, undefined, { memoryEstimateBytes: 50 })
    stop.abort(new Fault('cancelled', 'Enough.'))
    await Promise.all([busy, waiting])
    expect(memory.tryAcquire(100)).toBe(true)
  })

  test('runs as many work items at once as it has workers', async () => {
    await using box = sandbox({ workers: 2 })
    await box.sandbox.ready(new AbortController().signal)
    const stop = new AbortController()
    const busy = catchFault(box.run('spin', {}, stop.signal))
    expect(await box.run('echo', { say: 'beside' })).toMatchObject([{ echo: 'beside' }])
    stop.abort(new Fault('cancelled', 'Done.'))
    await busy
  })

  test('reports why no worker starts, backs off, and rejects work', async () => {
    const { command } = createWorkerLauncher(
      [process.execPath, '-e', 'throw new Error("no libvips here")'],
      faultyWorkerLimits,
    )
    await using box = sandbox({ command })
    const fault = await catchFault(box.run('echo'))
    expect(fault.code).toBe('unavailable')
    expect(box.events.length).toBe(3)
    expect(box.events[0]).toContain('no libvips here')
    expect((await catchFault(box.sandbox.ready(AbortSignal.timeout(5000)))).code).toBe('unavailable')
    expect(box.events.length).toBeLessThan(8)
    await using other = sandbox({ command: [join(faultyWorkers.home, 'nothing here')] })
    expect((await catchFault(other.run('echo'))).code).toBe('unavailable')
    const homes = async () => (await readdir(faultyWorkers.home)).filter((name) => name.startsWith('worker-'))
    await waitFor('folders of workers removed', homes, (left) => left.length === 0)
  })

  test('starts when work waits, and ends after some time without work', async () => {
    await using box = sandbox({ workers: 3, warmWorkers: 1, idleWorkerMs: 50 })
    await box.sandbox.ready(new AbortController().signal)
    expect(box.sandbox.pids).toHaveLength(1)
    const path = join(faultyWorkers.home, 'work-may-end')
    const running = Array.from({ length: 4 }, () => box.run('waitForFile', { path }))
    const workers = (count: number) =>
      waitFor(
        `${count} workers`,
        () => box.sandbox.pids,
        (pids) => pids.length === count,
      )
    await workers(3)
    await Bun.write(path, '')
    await Promise.all(running)
    const [last] = (await workers(1)).slice()
    expect(await box.currentPid()).toBe(last ?? 0)
    expect(box.events).toEqual([])
  })

  test('is given to another sandbox, which starts one of its own while the lender works', async () => {
    await using queued = sandbox({ workers: 2, warmWorkers: 1, idleWorkerMs: 60_000 })
    await using live = sandbox({
      workers: 2,
      warmWorkers: 1,
      idleWorkerMs: 50,
      spareAfterMs: 20,
      lender: queued.sandbox.lender,
    })
    await queued.sandbox.ready(new AbortController().signal)
    expect([queued.sandbox.pids.length, live.sandbox.pids.length]).toEqual([1, 0])
    const [shared] = queued.sandbox.pids
    const counts = (name: string, both: readonly [number, number]) =>
      waitFor(
        name,
        () => [queued.sandbox.pids.length, live.sandbox.pids.length],
        (found) => found.join() === both.join(),
      )

    expect(await live.currentPid()).toBe(shared ?? 0)
    await counts('the lender has a new worker, and the surplus one ends', [1, 0])
    expect(queued.sandbox.pids).not.toEqual([shared ?? 0])

    const path = join(faultyWorkers.home, 'queued-work-may-end')
    const working = queued.run('waitForFile', { path })
    await counts('a worker for live work is warm', [1, 1])
    await live.run('count')
    await Bun.write(path, '')
    await working
    await counts('one warm worker is left', [1, 0])
    expect([...queued.events, ...live.events]).toEqual([])
  })

  test('is not started for live work while the lender works for a moment', async () => {
    await using queued = sandbox({ workers: 1, warmWorkers: 1 })
    await using live = sandbox({ warmWorkers: 1, spareAfterMs: 60_000, lender: queued.sandbox.lender })
    await queued.run('count')
    await queued.run('count')
    expect(live.sandbox.pids).toEqual([])
    const path = join(faultyWorkers.home, 'lender-may-end')
    const working = queued.run('waitForFile', { path })
    // Work that waits gets a worker at once.
    await live.run('count')
    await Bun.write(path, '')
    await working
    expect([...queued.events, ...live.events]).toEqual([])
  })

  test('replaces a worker that dies while idle', async () => {
    await using box = sandbox()
    const pid = await box.currentPid()
    process.kill(pid, 'SIGKILL')
    await waitFor('lost worker reported', () => box.events.length)
    expect(box.events).toEqual(['died while idle'])
    expect(await box.currentPid()).not.toBe(pid)
  })

  test('leaves no process behind, whether the worker or its parent ends first', async () => {
    const pids: number[] = []
    {
      await using box = sandbox({ workers: 2 })
      await box.sandbox.ready(new AbortController().signal)
      await waitFor(
        'two workers running',
        () => box.sandbox.pids,
        (running) => running.length === 2,
      )
      pids.push(...box.sandbox.pids)
    }
    expect(pids.map(isRunning)).toEqual([false, false])

    const parent = join(faultyWorkers.home, 'parent.ts')
    await Bun.write(
      parent,
      `import { startWorker } from ${JSON.stringify(join(import.meta.dir, 'worker.ts'))}
       const worker = await startWorker({ command: JSON.parse(process.argv[2]), env: {}, cwd: process.argv[3], startTimeoutMs: 9000 })
       console.log(worker.pid)
       setInterval(() => {}, 1000)`,
    )
    // With the launcher and without it: on other systems only the closed pipe ends the worker.
    for (const command of [
      createWorkerLauncher([process.execPath, faultyWorkers.program], faultyWorkerLimits).command,
      [process.execPath, faultyWorkers.program],
    ]) {
      const doomed = Bun.spawn([process.execPath, parent, JSON.stringify(command), faultyWorkers.home], {
        stdout: 'pipe',
      })
      const reader = doomed.stdout.getReader()
      const pid = Number(new TextDecoder().decode((await reader.read()).value))
      expect(isRunning(pid)).toBe(true)
      doomed.kill('SIGKILL')
      await doomed.exited
      await waitForExit([pid], 2000)
      expect(isRunning(pid)).toBe(false)
    }
  }, 20_000)
})
