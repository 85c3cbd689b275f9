import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createLogger } from '@pixelflow/platform/telemetry/logger'
import { InvalidSettings } from '@pixelflow/platform/config/read-settings'
import { waitFor } from '@pixelflow/testkit/wait-for'
import { launch } from '@pixelflow/testkit/process'
import type { CliError } from '../cli-error.ts'
import { chooseDieWithParentMethod, type DieWithParentMethod } from './die-with-parent.ts'
import { supervise, type ServiceProgram } from './supervise.ts'

/** Supervision of real processes: shells that print what the test needs. */

let home: string
beforeAll(async () => {
  home = await mkdtemp(join(tmpdir(), 'pixelflow-supervise-'))
})
afterAll(() => rm(home, { recursive: true, force: true }))

const methods: DieWithParentMethod[] =
  chooseDieWithParentMethod() === 'pdeathsig' ? ['pdeathsig', 'pipe'] : ['pipe']
const ready = `echo '{"level":"info","msg":"ready","ready":true,"n":1}'`

function program(script: string): ServiceProgram {
  return {
    service: 'gateway',
    command: ['/bin/sh', '-c', script],
    cwd: home,
    env: { PATH: process.env['PATH'] },
  }
}

function recorder() {
  const lines: { level: string; msg: string; service: string; how?: string }[] = []
  const log = createLogger({
    service: 'gateway',
    level: 'debug',
    format: 'json',
    write: (line) => lines.push(JSON.parse(line) as (typeof lines)[number]),
  })
  return { lines, log, messages: () => lines.map((line) => line.msg) }
}

const isAlive = (pid: number) => {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}

describe.each(methods)('with %s', (dieWithParent) => {
  test('becomes ready, logs with its service, and stops', async () => {
    const { log, lines } = recorder()
    const one = supervise(program(`trap 'echo bye; exit 0' TERM; ${ready}; while :; do sleep 0.05; done`), {
      dieWithParent,
      log,
    })
    expect((await one.ready).fields).toEqual({ ready: true, n: 1 })
    const { pid } = one
    await one.stop(5000)
    expect(lines.map(({ level, msg, service }) => [service, level, msg])).toEqual([
      ['gateway', 'info', 'ready'],
      ['gateway', 'error', 'bye'],
    ])
    expect(isAlive(pid ?? 0)).toBe(false)
    expect(one.pid).toBeUndefined()
  })

  test('a process that ignores SIGTERM is killed with its descendants', async () => {
    const { log, messages } = recorder()
    const one = supervise(
      program(
        `trap '' TERM; (while :; do sleep 0.05; done) & echo "child $!"; ${ready}; while :; do sleep 0.05; done`,
      ),
      { dieWithParent, log },
    )
    await one.ready
    const child = Number(/child (\d+)/.exec(messages()[0] ?? '')?.[1])
    expect(isAlive(child)).toBe(true)
    await one.stop(200)
    expect(messages()).toContain('process killed; it did not end in time')
    await waitFor('child process ended', () => !isAlive(child))
  })

  test('a process that exits is restarted, with growing pauses, without a limit', async () => {
    const { log, lines, messages } = recorder()
    const one = supervise(program(`${ready}; sleep 0.05; exit 3`), {
      dieWithParent,
      log,
      restartDelayMs: [10, 40],
    })
    await one.ready
    await waitFor(
      'process restarted five times',
      () => messages().filter((m) => m === 'process restarted').length,
      (count) => count >= 5,
    )
    const pauses = lines.filter((line) => line.msg.startsWith('process ended')) as unknown as {
      inMs: number
      how: string
    }[]
    expect(pauses.slice(0, 4).map((line) => line.inMs)).toEqual([20, 40, 40, 40])
    expect(pauses[0]?.how).toBe('exit code 3')
    await one.stop(1000)
  })

  test('a killed process is restarted', async () => {
    const { log, messages } = recorder()
    const one = supervise(program(`${ready}; exec sleep 60`), {
      dieWithParent,
      log,
      restartDelayMs: [10, 40],
    })
    await one.ready
    const first = one.pid ?? 0
    process.kill(first, 'SIGKILL')
    await waitFor('process restarted', messages, (all) => all.includes('process restarted'))
    expect(one.pid).not.toBe(first)
    one.kill()
    await one.stop(1000)
  })

  test('a process that never becomes ready is not restarted, and the error contains its last lines', async () => {
    const { log } = recorder()
    const one = supervise(program('echo PIXELFLOW_X is wrong >&2; exit 78'), { dieWithParent, log })
    const error = await one.ready.catch((thrown: CliError) => thrown)
    expect(error).toMatchObject({
      code: 1,
      message: 'gateway did not start (exit code 78):\n  PIXELFLOW_X is wrong',
    })
    await one.stop(1000)
  })

  test('invalid settings that a process reports are the error', async () => {
    const { log } = recorder()
    const problem = { variable: 'PIXELFLOW_X="y"', problem: 'is not valid', remedy: 'Give z.' }
    const entry = JSON.stringify({ level: 'error', msg: 'invalid settings', problems: [problem] })
    const one = supervise(program(`echo '${entry}'; exit 2`), { dieWithParent, log })
    await expect(one.ready).rejects.toEqual(new InvalidSettings([problem]))
    await one.stop(1000)
  })

  test('the process and its descendants end when the supervisor is killed', async () => {
    const script = join(home, `parent-${dieWithParent}.ts`)
    await writeFile(
      script,
      `import { supervise } from '${import.meta.dir}/supervise.ts'
       import { createLogger } from '${import.meta.dir}/../../platform/telemetry/logger.ts'
       const log = createLogger({ service: 'x', level: 'debug', format: 'json' })
       const one = supervise({ service: 'x', command: ['/bin/sh', '-c', 'echo "pid $$"; exec sleep 60'], cwd: '/', env: process.env,
         probe: () => Promise.resolve(true) }, { dieWithParent: '${dieWithParent}', log })
       await one.ready`,
    )
    await using parent = launch({ command: [process.execPath, script] })
    const line = await parent.line((text) => text.includes('"pid '))
    const pid = Number(/pid (\d+)/.exec(line)?.[1])
    expect(isAlive(pid)).toBe(true)
    parent.signal('SIGKILL')
    await parent.exited
    await waitFor('process ended', () => !isAlive(pid))
  })
})

test('a terminal shows short requests, and ids only for errors', async () => {
  const { shortenEntry } = await import('./log-renderer.ts')
  const fields = { method: 'GET', path: '/x', status: 200, ms: 3, requestId: 'r', account: 'local' }
  expect(shortenEntry({ level: 'info', msg: 'request', fields })).toEqual({
    level: 'info',
    msg: 'GET /x 200',
    fields: { ms: 3 },
  })
  const failed = shortenEntry({
    level: 'info',
    msg: 'request',
    fields: { ...fields, status: 404, account: 'ann' },
  })
  expect(failed).toMatchObject({ msg: 'GET /x 404', fields: { requestId: 'r', account: 'ann' } })
  expect(shortenEntry({ level: 'info', msg: 'starting', fields: { settings: {}, pid: 1 } }).fields).toEqual({
    pid: 1,
  })
})

test('a terminal shows why a task failed, without the stack trace', async () => {
  const { shortenEntry } = await import('./log-renderer.ts')
  const error = { code: 'corrupt_image', message: 'It is damaged.', stack: 'Fault: at cell.ts:1' }
  const fields = { task: 't', attempt: 1, image: 'i', ms: { fetch: 1, total: 12 }, error, account: 'local' }
  expect(shortenEntry({ level: 'info', msg: 'task failed', fields }).fields).toEqual({
    task: 't',
    attempt: 1,
    ms: 12,
    code: 'corrupt_image',
    reason: 'It is damaged.',
  })
})

test('lines of JSON, of nats-server and of a crash are parsed', async () => {
  const { parseLogLine } = await import('./log-entry.ts')
  expect(parseLogLine('{"time":"x","level":"warn","service":"gateway","msg":"m","a":1}')).toEqual({
    level: 'warn',
    msg: 'm',
    fields: { a: 1 },
  })
  expect(parseLogLine('[7] 2026/11/21 13:00:00.123456 [ERR] no space')).toEqual({
    level: 'error',
    msg: 'no space',
    fields: {},
  })
  expect(parseLogLine('[7] 2026/11/21 13:00:00.123456 [INF] Server is ready').level).toBe('debug')
  expect(parseLogLine('{ not json').msg).toBe('{ not json')
  expect(parseLogLine('panic: oh')).toEqual({ level: 'error', msg: 'panic: oh', fields: {} })
})
