import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createByteBudget } from '@pixelflow/core/byte-budget'
import { createWorkerLauncher } from '../sandbox/worker-launcher.ts'
import { openSandbox, type SandboxOptions, type SandboxWork } from '../sandbox/sandbox.ts'

/** Real worker processes that fail in every way a decoder may. */
export interface FaultyWorkers extends AsyncDisposable {
  readonly home: string
  /** Path of the worker's program. */
  readonly program: string
  sandbox(options?: Partial<SandboxOptions>): ReturnType<typeof sandboxOf>
}

export const faultyWorkerLimits = { maxFileBytes: 2 ** 20, maxOpenFiles: 256 }

function sandboxOf({ home, program }: { home: string; program: string }, options: Partial<SandboxOptions>) {
  const events: string[] = []
  const sandbox = openSandbox({
    command: createWorkerLauncher([process.execPath, program], faultyWorkerLimits).command,
    env: { MARK: '1' },
    cwd: home,
    startTimeoutMs: 10_000,
    workers: 1,
    // All workers start at once and stay.
    warmWorkers: options.workers ?? 1,
    spareAfterMs: 20,
    idleWorkerMs: 60_000,
    timeLimitMs: 10_000,
    maxRssBytes: 512 * 2 ** 20,
    maxCpuMs: 10_000,
    memory: createByteBudget(2 ** 40),
    circuitBreaker: { maxCrashes: 100, windowMs: 60_000, openMs: 60_000 },
    recycleRssBytes: 400 * 2 ** 20,
    recycleAfter: 1000,
    restartPauseMs: 10,
    preemptAfterMs: 1000,
    hooks: {
      onWorkerLost: ({ reason }) => events.push(reason),
      onCircuitOpen: () => events.push('circuit open'),
      onPreempted: ({ account, to }) => events.push(`${account} preempted for ${to}`),
      onStartFailed: ({ reason }) => events.push(reason),
    },
    ...options,
  })
  const run = async (
    name: string,
    more: object = {},
    signal = new AbortController().signal,
    work: Partial<SandboxWork> = {},
  ) => {
    const notes: unknown[] = []
    await sandbox.run({
      kind: 'fault',
      account: 'ann',
      input: { behaviour: name, ...more },
      memoryEstimateBytes: 1,
      ...work,
      onNote: (note) => notes.push(note),
      signal,
    })
    return notes
  }
  const currentPid = async () => ((await run('echo')) as { pid: number }[])[0]?.pid ?? 0
  return { sandbox, run, events, currentPid, [Symbol.asyncDispose]: () => sandbox[Symbol.asyncDispose]() }
}

export async function openFaultyWorkers(): Promise<FaultyWorkers> {
  const home = await mkdtemp(join(tmpdir(), 'pixelflow-sandbox-'))
  const program = join(home, 'program.ts')
  const workerMain = JSON.stringify(join(import.meta.dir, '../sandbox/worker-main.ts'))
  const faults = JSON.stringify(Bun.resolveSync('@pixelflow/core/fault', import.meta.dir))
  await Bun.write(
    program,
    `import { appendFileSync, writeFileSync, existsSync } from 'node:fs'
     import { tmpdir } from 'node:os'
     import { Fault } from ${faults}
     import { workerMain } from ${workerMain}
     const held = []
     const behaviours = {
       echo: async ({ say }, note) => note({ echo: say, pid: process.pid, env: Object.keys(process.env) }),
       count: async (_, note) => {
         for (const n of [1, 2]) note(n)
         await Bun.sleep(5)
         for (const n of [3, 4]) note(n)
         await Bun.sleep(5)
         note(5)
       },
       waitForFile: async ({ path }) => { while (!existsSync(path)) await Bun.sleep(5) },
       spin: async () => { for (;;) Math.random() },
       allocate: async () => { for (;;) { held.push(new Uint8Array(16 << 20).fill(1)); await Bun.sleep(5) } },
       crash: async () => process.kill(process.pid, 'SIGSEGV'),
       crashOnce: async ({ flag }, note) => {
         if (existsSync(flag)) return note('made it')
         writeFileSync(flag, 'x')
         process.abort()
       },
       killSelf: async () => process.kill(process.pid, 'SIGKILL'),
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
       flood: async ({ path }, note) => {
         const { openSync, writeSync } = await import('node:fs')
         const file = openSync(path ?? 'flood', 'w')
         const block = new Uint8Array(1 << 16)
         let bytes = 0
         try { for (;;) bytes += writeSync(file, block) } catch (error) { note({ code: error.code, bytes }) }
       },
       writeFile: async ({ ms }, note) => { writeFileSync('aside', 'x'); await Bun.sleep(ms); note({ cwd: process.cwd(), tmp: tmpdir() }) },
       fork: async (_, note) => {
         const busy = Bun.spawn(['/bin/sh', '-c', 'while :; do :; done'], { stdin: 'ignore', stdout: 'ignore', stderr: 'ignore' })
         note(busy.pid)
         for (;;) await Bun.sleep(1000)
       },
       forkAndReturn: async (_, note) => {
         const busy = Bun.spawn(['/bin/sh', '-c', 'while :; do :; done'], { stdin: 'ignore', stdout: 'ignore', stderr: 'ignore' })
         note(busy.pid)
       },
       escape: async ({ file }) => {
         const away = Bun.spawn(['sleep', '600'], { stdin: 'ignore', stdout: 'ignore', stderr: 'inherit', detached: true })
         appendFileSync(file, away.pid + ' ')
         process.kill(process.pid, 'SIGSEGV')
       },
       spawnThreads: async () => {
         const busy = 'for (;;) Math.random()'
         for (let n = 0; n < 4; n += 1) new Worker(URL.createObjectURL(new Blob([busy])))
         for (;;) await Bun.sleep(1000)
       },
       refuse: async () => { throw new Fault('corrupt_image', 'It is broken.', { field: 'x', cause: 'secret' }) },
       throwBug: async () => { throw new TypeError('a bug') },
       sendInvalid: async () => process.send({ type: 'nonsense' }),
       leak: async () => { held.push(new Uint8Array(96 << 20).fill(1)) },
     }
     await workerMain({ fault: { warmUp: async () => {}, run: (input, note) => behaviours[input.behaviour](input, note) } })`,
  )
  return {
    home,
    program,
    sandbox: (options = {}) => sandboxOf({ home, program }, options),
    [Symbol.asyncDispose]: () => rm(home, { recursive: true, force: true }),
  }
}
