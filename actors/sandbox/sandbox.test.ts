import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { Fault, type FaultCode } from '@pixelflow/core/fault'
import { createByteBudget } from '@pixelflow/core/byte-budget'
import { until } from '@pixelflow/testkit/until'
import {
  faultOf,
  faultyWorkerLimits,
  openFaultyWorkers,
  type FaultyWorkers,
} from '../testing/faulty-workers.ts'
import { createWorkerLauncher } from './worker-launcher.ts'
import type { SandboxOptions } from './sandbox.ts'

let faultyWorkers: FaultyWorkers
const sandbox: FaultyWorkers['sandbox'] = (options) => faultyWorkers.sandbox(options)

beforeAll(async () => {
  faultyWorkers = await openFaultyWorkers()
})
afterAll(() => faultyWorkers[Symbol.asyncDispose]())

/** Whether a process lives; one that only waits for its new parent to take notice of its end does not. */
function exists(pid: number): boolean {
  const ps = Bun.spawnSync(['ps', '-o', 'stat=', '-p', String(pid)])
  const state = ps.stdout.toString().trim()
  return state !== '' && !state.startsWith('Z')
}

describe('a child', () => {
  test('works, tells of it, knows nothing of our environment, and stays warm', async () => {
    await using box = sandbox()
    const [note] = (await box.act('echo', { say: 'hello' })) as { said: string; pid: number; env: string[] }[]
    expect(note?.said).toBe('hello')
    expect(note?.env.toSorted()).toEqual(['MARK', 'PWD', 'TMPDIR'])
    expect(await box.pidNow()).toBe(note?.pid ?? 0)
    expect(box.made.pids).toEqual([note?.pid ?? 0])
  })

  test('passes faults on, cause apart, and makes anything else an internal one', async () => {
    await using box = sandbox()
    const refused = await faultOf(box.act('refuse'))
    expect(refused.report()).toMatchObject({ code: 'corrupt_image', detail: 'It is broken.', field: 'x' })
    expect(refused.cause).toBe('secret')
    const stumbled = await faultOf(box.act('stumble'))
    expect(stumbled.code).toBe('internal')
    expect(stumbled.message).not.toContain('a bug')
    expect(String(stumbled.cause)).toContain('a bug')
    expect(box.news).toEqual([])
  })

  test.each<[string, FaultCode, Partial<SandboxOptions>, string]>([
    ['spin', 'deadline_exceeded', { timeLimitMs: 300 }, '0.3 s'],
    ['eat', 'resource_limit_exceeded', { maxRssBytes: 256 * 2 ** 20 }, '256 MiB'],
    ['vanish', 'actor_lost', {}, 'killed'],
    ['babble', 'processing_failed', {}, 'invalid message'],
    ['crash', 'processing_failed', {}, 'twice'],
  ])('that does %s ends with %s, and another takes its place', async (name, code, options, text) => {
    await using box = sandbox(options)
    const before = await box.pidNow()
    const fault = await faultOf(box.act(name))
    expect(fault.code).toBe(code)
    expect(fault.message).toContain(text)
    expect(exists(before)).toBe(false)
    expect(await box.pidNow()).not.toBe(before)
    expect(box.news.length).toBe(name === 'crash' ? 2 : 1)
  })

  test('that crashes once gets a second chance', async () => {
    await using box = sandbox()
    expect(await box.act('crashOnce', { flag: join(faultyWorkers.home, crypto.randomUUID()) })).toEqual([
      'made it',
    ])
  })

  test('is killed within a second when the work is not wanted any more', async () => {
    await using box = sandbox()
    const pid = await box.pidNow()
    const stop = new AbortController()
    const work = faultOf(box.act('spin', {}, stop.signal))
    await Bun.sleep(100)
    const began = performance.now()
    stop.abort(new Fault('cancelled', 'Not wanted.'))
    expect((await work).code).toBe('cancelled')
    expect(performance.now() - began).toBeLessThan(1000)
    expect(exists(pid)).toBe(false)
  })

  test('is replaced after so much work, or when it has grown', async () => {
    await using box = sandbox({ recycleAfter: 2 })
    const first = await box.pidNow()
    expect(await box.pidNow()).toBe(first)
    expect(await box.pidNow()).not.toBe(first)
    await using greedy = sandbox({ recycleRssBytes: 96 * 2 ** 20 })
    const grown = await greedy.pidNow()
    await greedy.act('keep')
    expect(await greedy.pidNow()).not.toBe(grown)
  })
})

describe('the pool', () => {
  test('makes further work wait for a free child, in order, and lets the impatient go', async () => {
    await using box = sandbox()
    await box.pidNow()
    const stop = new AbortController()
    const busy = faultOf(box.act('spin', {}, stop.signal))
    const leave = new AbortController()
    const impatient = faultOf(box.act('echo', {}, leave.signal))
    const patient = box.act('echo', { say: 'after you' })
    leave.abort(new Fault('cancelled', 'Too long.'))
    expect((await impatient).message).toBe('Too long.')
    stop.abort(new Fault('cancelled', 'Make room.'))
    await busy
    expect(await patient).toMatchObject([{ said: 'after you' }])
  })

  test('lets work that yields wait for other work, for a child as for memory', async () => {
    await using box = sandbox({ memory: createByteBudget(100) })
    await box.pidNow()
    const stop = new AbortController()
    const busy = faultOf(box.act('spin', {}, stop.signal, { memoryEstimateBytes: 60 }))
    const order: string[] = []
    const work = (name: string, yields: boolean) =>
      box.act('echo', {}, undefined, { memoryEstimateBytes: 100, yields, onTurn: () => order.push(name) })
    const all = [
      work('bulk', true),
      work('more bulk', true),
      work('urgent', false),
      work('urgent too', false),
    ]
    stop.abort(new Fault('cancelled', 'Make room.'))
    await Promise.all([busy, ...all])
    expect(order).toEqual(['urgent', 'urgent too', 'bulk', 'more bulk'])
  })

  test('keeps no memory for work that waits for a child', async () => {
    const memory = createByteBudget(100)
    await using box = sandbox({ memory })
    await using beside = sandbox({ memory })
    await Promise.all([box.pidNow(), beside.pidNow()])
    const stop = new AbortController()
    const busy = faultOf(box.act('spin', {}, stop.signal, { memoryEstimateBytes: 50 }))
    const waiting = faultOf(box.act('echo', {}, stop.signal, { memoryEstimateBytes: 50 }))
    await beside.act('echo', {}, undefined, { memoryEstimateBytes: 50 })
    stop.abort(new Fault('cancelled', 'Enough.'))
    await Promise.all([busy, waiting])
    expect(memory.tryTake(100)).toBe(true)
  })

  test('runs as many at once as it has children', async () => {
    await using box = sandbox({ children: 2 })
    await box.made.ready(new AbortController().signal)
    const stop = new AbortController()
    const busy = faultOf(box.act('spin', {}, stop.signal))
    expect(await box.act('echo', { say: 'beside' })).toMatchObject([{ said: 'beside' }])
    stop.abort(new Fault('cancelled', 'Done.'))
    await busy
  })

  test('says why no child starts, pauses longer each time, and turns work away', async () => {
    const { command } = createWorkerLauncher(
      [process.execPath, '-e', 'throw new Error("no libvips here")'],
      faultyWorkerLimits,
    )
    await using box = sandbox({ command })
    const fault = await faultOf(box.act('echo'))
    expect(fault.code).toBe('unavailable')
    expect(box.news.length).toBe(3)
    expect(box.news[0]).toContain('no libvips here')
    expect((await faultOf(box.made.ready(AbortSignal.timeout(5000)))).code).toBe('unavailable')
    expect(box.news.length).toBeLessThan(8)
    await using other = sandbox({ command: [join(faultyWorkers.home, 'nothing here')] })
    expect((await faultOf(other.act('echo'))).code).toBe('unavailable')
    const homes = async () => (await readdir(faultyWorkers.home)).filter((name) => name.startsWith('child-'))
    await until(async () => (await homes()).length === 0)
  })

  test('replaces a child that dies while it has nothing to do', async () => {
    await using box = sandbox()
    const pid = await box.pidNow()
    process.kill(pid, 'SIGKILL')
    while (box.news.length === 0) await Bun.sleep(5)
    expect(box.news).toEqual(['died while it had nothing to do'])
    expect(await box.pidNow()).not.toBe(pid)
  })

  test('leaves no process behind, whoever ends first', async () => {
    const pids: number[] = []
    {
      await using box = sandbox({ children: 2 })
      await box.made.ready(new AbortController().signal)
      while (box.made.pids.length < 2) await Bun.sleep(10)
      pids.push(...box.made.pids)
    }
    expect(pids.map(exists)).toEqual([false, false])

    const parent = join(faultyWorkers.home, 'parent.ts')
    await Bun.write(
      parent,
      `import { startWorker } from ${JSON.stringify(join(import.meta.dir, 'worker.ts'))}
       const worker = await startWorker({ command: JSON.parse(process.argv[2]), env: {}, cwd: process.argv[3], startTimeoutMs: 9000 })
       console.log(worker.pid)
       setInterval(() => {}, 1000)`,
    )
    // With and without the kernel's help: elsewhere the pipe alone must do.
    for (const command of [
      createWorkerLauncher([process.execPath, faultyWorkers.child], faultyWorkerLimits).command,
      [process.execPath, faultyWorkers.child],
    ]) {
      const doomed = Bun.spawn([process.execPath, parent, JSON.stringify(command), faultyWorkers.home], {
        stdout: 'pipe',
      })
      const reader = doomed.stdout.getReader()
      const pid = Number(new TextDecoder().decode((await reader.read()).value))
      expect(exists(pid)).toBe(true)
      doomed.kill('SIGKILL')
      await doomed.exited
      for (let n = 0; n < 100 && exists(pid); n += 1) await Bun.sleep(20)
      expect(exists(pid)).toBe(false)
    }
  }, 20_000)
})
