import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Fault, type FaultCode } from '@pixelflow/core/fault'
import { createBudget } from '@pixelflow/fabric/budget'
import { leashed } from './leash.ts'
import { openSandbox, type SandboxOptions } from './sandbox.ts'

/** Real child processes that misbehave in every way a decoder may. */

let home: string
let child: string

beforeAll(async () => {
  home = await mkdtemp(join(tmpdir(), 'pixelflow-sandbox-'))
  child = join(home, 'child.ts')
  const here = (file: string) => JSON.stringify(join(import.meta.dir, file))
  const faults = JSON.stringify(Bun.resolveSync('@pixelflow/core/fault', import.meta.dir))
  await Bun.write(
    child,
    `import { writeFileSync, existsSync } from 'node:fs'
     import { Fault } from ${faults}
     import { serve } from ${here('serve.ts')}
     const held = []
     const acts = {
       echo: async ({ say }, note) => note({ said: say, pid: process.pid, env: Object.keys(process.env) }),
       spin: async () => { for (;;) Math.random() },
       eat: async () => { for (;;) { held.push(new Uint8Array(16 << 20).fill(1)); await Bun.sleep(5) } },
       crash: async () => process.kill(process.pid, 'SIGSEGV'),
       crashOnce: async ({ flag }, note) => {
         if (existsSync(flag)) return note('made it')
         writeFileSync(flag, 'x')
         process.abort()
       },
       vanish: async () => process.kill(process.pid, 'SIGKILL'),
       dial: async ({ port }, note) => {
         const { connect } = await import('node:net')
         const socket = connect(port, '127.0.0.1')
         note(await new Promise((resolve) => socket.on('error', () => resolve('refused')).on('connect', () => resolve('connected'))))
       },
       open: async (_, note) => {
         const { closeSync, openSync } = await import('node:fs')
         const files = []
         let why
         try { while (files.length < 1000) files.push(openSync('/dev/null')) } catch (error) { why = error.code }
         for (const file of files) closeSync(file)
         note(why)
       },
       swarm: async () => {
         const busy = 'for (;;) Math.random()'
         for (let n = 0; n < 4; n += 1) new Worker(URL.createObjectURL(new Blob([busy])))
         for (;;) await Bun.sleep(1000)
       },
       refuse: async () => { throw new Fault('corrupt_image', 'It is broken.', { field: 'x', cause: 'secret' }) },
       stumble: async () => { throw new TypeError('a bug') },
       babble: async () => process.send({ say: 'nonsense' }),
       keep: async () => { held.push(new Uint8Array(96 << 20).fill(1)) },
     }
     await serve({ act: { warmUp: async () => {}, run: (input, note) => acts[input.act](input, note) } })`,
  )
})
afterAll(() => rm(home, { recursive: true, force: true }))

const limits = { maxFileBytes: 2 ** 20, maxOpenFiles: 256 }

function sandbox(options: Partial<SandboxOptions> = {}) {
  const news: string[] = []
  const made = openSandbox({
    command: leashed([process.execPath, child], limits).command,
    env: { MARK: '1' },
    cwd: home,
    startTimeoutMs: 10_000,
    children: 1,
    timeLimitMs: 10_000,
    maxRssBytes: 512 * 2 ** 20,
    maxCpuMs: 10_000,
    memory: createBudget(2 ** 40),
    crashBudget: { most: 100, withinMs: 60_000, restMs: 60_000 },
    recycleRssBytes: 400 * 2 ** 20,
    recycleAfter: 1000,
    restartPauseMs: 10,
    tell: {
      lost: ({ why }) => news.push(why),
      resting: () => news.push('resting'),
      unstartable: ({ why }) => news.push(why),
    },
    ...options,
  })
  const act = async (
    name: string,
    more: object = {},
    signal = new AbortController().signal,
    appetiteBytes = 1,
  ) => {
    const notes: unknown[] = []
    await made.run({
      kind: 'act',
      input: { act: name, ...more },
      appetiteBytes,
      onNote: (note) => notes.push(note),
      signal,
    })
    return notes
  }
  const pidNow = async () => ((await act('echo')) as { pid: number }[])[0]?.pid ?? 0
  return { made, act, news, pidNow, [Symbol.asyncDispose]: () => made[Symbol.asyncDispose]() }
}

async function faultOf(work: Promise<unknown>): Promise<Fault> {
  const thrown = await work.then(
    () => undefined,
    (error: unknown) => error,
  )
  expect(thrown).toBeInstanceOf(Fault)
  return thrown as Fault
}

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
    expect(note?.env.toSorted()).toEqual(['MARK', 'PWD'])
    expect(await box.pidNow()).toBe(note?.pid ?? 0)
    expect(box.made.pids).toEqual([note?.pid ?? 0])
  })

  test('passes faults on, cause apart, and makes anything else an internal one', async () => {
    await using box = sandbox()
    const refused = await faultOf(box.act('refuse'))
    expect(refused.report()).toEqual({ code: 'corrupt_image', detail: 'It is broken.', field: 'x' })
    expect(refused.cause).toBe('secret')
    const stumbled = await faultOf(box.act('stumble'))
    expect(stumbled.code).toBe('internal')
    expect(stumbled.message).not.toContain('a bug')
    expect(String(stumbled.cause)).toContain('a bug')
    expect(box.news).toEqual([])
  })

  test.each<[string, FaultCode, Partial<SandboxOptions>, string]>([
    ['spin', 'deadline_exceeded', { timeLimitMs: 300 }, '0.3 s'],
    ['eat', 'out_of_bounds', { maxRssBytes: 256 * 2 ** 20 }, '256 MiB'],
    ['vanish', 'actor_lost', {}, 'killed'],
    ['babble', 'processing_failed', {}, 'astray'],
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
    expect(await box.act('crashOnce', { flag: join(home, crypto.randomUUID()) })).toEqual(['made it'])
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
    const { command } = leashed([process.execPath, '-e', 'throw new Error("no libvips here")'], limits)
    await using box = sandbox({ command })
    const fault = await faultOf(box.act('echo'))
    expect(fault.code).toBe('unavailable')
    expect(box.news.length).toBe(3)
    expect(box.news[0]).toContain('no libvips here')
    expect((await faultOf(box.made.ready(AbortSignal.timeout(5000)))).code).toBe('unavailable')
    expect(box.news.length).toBeLessThan(8)
  })

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
    const giant = faultOf(box.act('spin', {}, stop.signal, 80))
    let isDone = false
    const other = box.act('echo', { say: 'after you' }, undefined, 40).then((notes) => {
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

    const parent = join(home, 'parent.ts')
    await Bun.write(
      parent,
      `import { startCell } from ${JSON.stringify(join(import.meta.dir, 'cell.ts'))}
       const cell = await startCell({ command: JSON.parse(process.argv[2]), env: {}, cwd: '/', startTimeoutMs: 9000 })
       console.log(cell.pid)
       setInterval(() => {}, 1000)`,
    )
    // With and without the kernel's help: elsewhere the pipe alone must do.
    for (const command of [leashed([process.execPath, child], limits).command, [process.execPath, child]]) {
      const doomed = Bun.spawn([process.execPath, parent, JSON.stringify(command)], { stdout: 'pipe' })
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
