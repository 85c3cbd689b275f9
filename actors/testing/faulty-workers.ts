import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Fault } from '@pixelflow/core/fault'
import { createByteBudget } from '@pixelflow/core/byte-budget'
import { createWorkerLauncher } from '../sandbox/worker-launcher.ts'
import { openSandbox, type SandboxOptions, type SandboxWork } from '../sandbox/sandbox.ts'

/** Real child processes that misbehave in every way a decoder may. Only tests use this. */
export interface FaultyWorkers extends AsyncDisposable {
  readonly home: string
  /** The child's program. */
  readonly child: string
  sandbox(options?: Partial<SandboxOptions>): ReturnType<typeof sandboxOf>
}

export const faultyWorkerLimits = { maxFileBytes: 2 ** 20, maxOpenFiles: 256 }

function sandboxOf({ home, child }: { home: string; child: string }, options: Partial<SandboxOptions>) {
  const news: string[] = []
  const made = openSandbox({
    command: createWorkerLauncher([process.execPath, child], faultyWorkerLimits).command,
    env: { MARK: '1' },
    cwd: home,
    startTimeoutMs: 10_000,
    children: 1,
    timeLimitMs: 10_000,
    maxRssBytes: 512 * 2 ** 20,
    maxCpuMs: 10_000,
    memory: createByteBudget(2 ** 40),
    circuitBreaker: { most: 100, withinMs: 60_000, restMs: 60_000 },
    recycleRssBytes: 400 * 2 ** 20,
    recycleAfter: 1000,
    restartPauseMs: 10,
    preemptAfterMs: 1000,
    tell: {
      lost: ({ why }) => news.push(why),
      resting: () => news.push('resting'),
      preempted: ({ account, to }) => news.push(`${account} preempted for ${to}`),
      unstartable: ({ why }) => news.push(why),
    },
    ...options,
  })
  const act = async (
    name: string,
    more: object = {},
    signal = new AbortController().signal,
    work: Partial<SandboxWork> = {},
  ) => {
    const notes: unknown[] = []
    await made.run({
      kind: 'act',
      account: 'ann',
      input: { act: name, ...more },
      memoryEstimateBytes: 1,
      ...work,
      onNote: (note) => notes.push(note),
      signal,
    })
    return notes
  }
  const pidNow = async () => ((await act('echo')) as { pid: number }[])[0]?.pid ?? 0
  return { made, act, news, pidNow, [Symbol.asyncDispose]: () => made[Symbol.asyncDispose]() }
}

export async function openFaultyWorkers(): Promise<FaultyWorkers> {
  const home = await mkdtemp(join(tmpdir(), 'pixelflow-sandbox-'))
  const child = join(home, 'child.ts')
  const workerMain = JSON.stringify(join(import.meta.dir, '../sandbox/worker-main.ts'))
  const faults = JSON.stringify(Bun.resolveSync('@pixelflow/core/fault', import.meta.dir))
  await Bun.write(
    child,
    `import { appendFileSync, writeFileSync, existsSync } from 'node:fs'
     import { tmpdir } from 'node:os'
     import { Fault } from ${faults}
     import { workerMain } from ${workerMain}
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
       flood: async ({ path }, note) => {
         const { openSync, writeSync } = await import('node:fs')
         const file = openSync(path ?? 'flood', 'w')
         const block = new Uint8Array(1 << 16)
         let bytes = 0
         try { for (;;) bytes += writeSync(file, block) } catch (error) { note({ code: error.code, bytes }) }
       },
       litter: async ({ ms }, note) => { writeFileSync('aside', 'x'); await Bun.sleep(ms); note({ cwd: process.cwd(), tmp: tmpdir() }) },
       fork: async (_, note) => {
         const busy = Bun.spawn(['/bin/sh', '-c', 'while :; do :; done'], { stdin: 'ignore', stdout: 'ignore', stderr: 'ignore' })
         note(busy.pid)
         for (;;) await Bun.sleep(1000)
       },
       forkAndGo: async (_, note) => {
         const busy = Bun.spawn(['/bin/sh', '-c', 'while :; do :; done'], { stdin: 'ignore', stdout: 'ignore', stderr: 'ignore' })
         note(busy.pid)
       },
       slip: async ({ file }) => {
         const away = Bun.spawn(['sleep', '600'], { stdin: 'ignore', stdout: 'ignore', stderr: 'inherit', detached: true })
         appendFileSync(file, away.pid + ' ')
         process.kill(process.pid, 'SIGSEGV')
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
     await workerMain({ act: { warmUp: async () => {}, run: (input, note) => acts[input.act](input, note) } })`,
  )
  return {
    home,
    child,
    sandbox: (options = {}) => sandboxOf({ home, child }, options),
    [Symbol.asyncDispose]: () => rm(home, { recursive: true, force: true }),
  }
}

/** The fault that work ends with; anything else fails the test. */
export async function faultOf(work: Promise<unknown>): Promise<Fault> {
  const thrown = await work.then(
    () => undefined,
    (error: unknown) => error,
  )
  if (thrown instanceof Fault) return thrown
  throw new Error(`no fault, but ${String(thrown)}`)
}
