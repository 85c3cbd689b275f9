import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { mkdtemp, readdir, rm, stat } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { sampleImage } from '@pixelflow/testkit/images'
import { startNats } from '@pixelflow/testkit/nats'
import { freePort } from '@pixelflow/testkit/port'
import { launch, hasMessage, type RunningProcess } from '@pixelflow/testkit/process'
import { waitFor } from '@pixelflow/testkit/wait-for'
import { chooseDieWithParentMethod } from './die-with-parent.ts'

/** `up` with the real processes and a real broker, and after some of them are killed. */

const root = resolve(import.meta.dir, '../..')
let home: string
beforeAll(async () => {
  home = await mkdtemp(join(tmpdir(), 'pixelflow-up-'))
})
afterAll(() => rm(home, { recursive: true, force: true }))

let serial = 0
async function place() {
  const port = await freePort()
  return {
    url: `http://127.0.0.1:${port}`,
    PIXELFLOW_HTTP_PORT: String(port),
    PIXELFLOW_GRPC_PORT: '0',
    PIXELFLOW_DATA_DIR: join(home, String((serial += 1))),
  }
}

function up(env: Record<string, string>): RunningProcess {
  return launch({ command: [join(root, 'pixelflow'), 'up'], env })
}

const ready = (line: string) => hasMessage('ready')(line) && line.includes('"service":"up"')

/** The command line of every descendant of a process, by pid. */
async function descendants(pid: number): Promise<Map<number, string>> {
  const listed = Bun.spawn(['ps', '-A', '-ww', '-o', 'pid=,ppid=,args='], { stdout: 'pipe' })
  const rows = (await listed.stdout.text())
    .split('\n')
    .map((line) => /^\s*(\d+)\s+(\d+)\s+(.*)$/.exec(line))
    .flatMap((match) =>
      match ? [{ pid: Number(match[1]), parent: Number(match[2]), args: match[3] ?? '' }] : [],
    )
  const found = new Map<number, string>()
  for (let parents = new Set([pid]); parents.size > 0;) {
    const children = rows.filter((row) => parents.has(row.parent) && row.pid !== listed.pid)
    for (const child of children) found.set(child.pid, child.args)
    parents = new Set(children.map((child) => child.pid))
  }
  return found
}

async function stillAlive(pids: Iterable<number>): Promise<number[]> {
  const listed = Bun.spawn(['ps', '-A', '-o', 'pid=,stat='], { stdout: 'pipe' })
  const running = new Set(
    (await listed.stdout.text())
      .split('\n')
      .map((line) => line.trim().split(/\s+/))
      .filter(([, state = 'Z']) => !state.startsWith('Z'))
      .map(([pid]) => Number(pid)),
  )
  return [...pids].filter((pid) => running.has(pid))
}

function waitUntilEnded(pids: Iterable<number>, timeoutMs: number) {
  const all = [...pids]
  return waitFor(
    'processes ended',
    () => stillAlive(all),
    (left) => left.length === 0,
    { timeoutMs },
  )
}

const isHealthy = (url: string) =>
  fetch(`${url}/health/ready`).then(
    (answer) => answer.ok,
    () => false,
  )

const waitUntilHealthy = (url: string) => waitFor('gateway ready', () => isHealthy(url))

function waitForStatus(url: string, task: string, status: string) {
  return waitFor(
    `task is ${status}`,
    async () => ((await (await fetch(`${url}/api/v1/tasks/${task}`)).json()) as { status: string }).status,
    (current) => current === status,
  )
}

describe('up', () => {
  test('runs everything, is detected by a second one, and leaves no process after Ctrl-C', async () => {
    const { url, ...env } = await place()
    await using running = up(env)
    const line = await running.line(ready, 60_000)
    expect(JSON.parse(line)).toMatchObject({ level: 'info', service: 'up', url })
    expect(await isHealthy(url)).toBe(true)
    // Files that are not in the bundle of the gateway.
    for (const path of ['/', '/docs', '/docs/assets/swagger-ui.css', '/api/v1/openapi.json'])
      expect([path, (await fetch(`${url}${path}`)).status]).toEqual([path, 200])

    const data = env.PIXELFLOW_DATA_DIR
    expect(await Bun.file(join(data, 'up.json')).json()).toMatchObject({
      pid: running.pid,
      url,
      temporary: false,
    })
    expect((await stat(join(data, 'nats/password'))).mode & 0o777).toBe(0o600)
    expect((await stat(data)).mode & 0o777).toBe(0o700)

    await using second = up(env)
    expect(await second.exited).toBe(1)
    expect(second.lines.join('\n')).toContain(
      `PixelFlow is already running at ${url} (process ${running.pid})`,
    )

    const below = await descendants(running.pid)
    const all = [...below.values()].join('\n')
    for (const part of ['nats-server', 'gateway/node_modules/.pixelflow/', 'actors/node_modules/.pixelflow/'])
      expect(all).toContain(part)
    const started = performance.now()
    running.signal('SIGINT')
    expect(await running.exited).toBe(0)
    expect(performance.now() - started).toBeLessThan(10_000)
    await waitUntilEnded(below.keys(), 0)
    expect(await readdir(data)).not.toContain('up.json')
    // Every line is JSON with the name of its service.
    const services = running.lines.map((one) => (JSON.parse(one) as { service: string }).service)
    expect(new Set(services)).toEqual(new Set(['up', 'gateway', 'actors']))
  }, 90_000)

  test.each([...new Set(['pipe', chooseDieWithParentMethod()])])(
    'killed with -9 it leaves nothing behind: %s',
    async (dieWithParent) => {
      const { url: _, ...env } = await place()
      await using running = up({ ...env, PIXELFLOW_PARENT_DEATH_DETECTION: dieWithParent })
      await running.line(ready, 60_000)
      const below = await descendants(running.pid)
      expect(below.size).toBeGreaterThanOrEqual(3)
      running.signal('SIGKILL')
      await running.exited
      await waitUntilEnded(below.keys(), 5000)
      // The next start needs no manual clean-up.
      await using next = up({ ...env, PIXELFLOW_PARENT_DEATH_DETECTION: dieWithParent })
      await next.line(ready, 60_000)
    },
    120_000,
  )

  test('a second Ctrl-C stops it at once', async () => {
    const { url, ...env } = await place()
    await using running = up(env)
    await running.line(ready, 60_000)
    const body = new FormData()
    body.set('recipe', 'blur:60/resize:3000/format:avif:effort=8')
    body.set('file', new Blob([(await sampleImage({ width: 4000, height: 3000 })).slice()]), 'large.jpg')
    const task = (await (await fetch(`${url}/api/v1/tasks`, { method: 'POST', body })).json()) as {
      id: string
    }
    await waitForStatus(url, task.id, 'running')
    const below = await descendants(running.pid)
    running.signal('SIGINT')
    await running.line(hasMessage('stopping; finishing work in progress'))
    running.signal('SIGINT')
    await running.line(hasMessage('stopping at once'))
    await running.exited
    await waitUntilEnded(below.keys(), 2000)
  }, 90_000)

  test('restarts killed processes, the broker on the same port', async () => {
    const { url, ...env } = await place()
    await using running = up(env)
    await running.line(ready, 60_000)
    for (const [service, part] of [
      ['nats', 'nats-server'],
      ['gateway', 'gateway/node_modules/.pixelflow/'],
      ['actors', 'actors/node_modules/.pixelflow/'],
    ] as const) {
      const victim = [...(await descendants(running.pid))].find(([, args]) => args.includes(part))
      process.kill(victim?.[0] ?? 0, 'SIGKILL')
      const back = (line: string) =>
        hasMessage('process restarted')(line) && line.includes(`"service":"${service}"`)
      await running.line(back)
    }
    await waitUntilHealthy(url)
    const restarts = running.lines.filter(hasMessage('process ended; restarting'))
    expect(restarts.length).toBe(3)
  }, 120_000)
})

describe('errors of up', () => {
  test('a port in use is reported with a free one', async () => {
    const { url, ...env } = await place()
    using _ = Bun.serve({
      port: Number(new URL(url).port),
      hostname: '127.0.0.1',
      fetch: () => new Response('other'),
    })
    await using running = up(env)
    expect(await running.exited).toBe(2)
    const text = running.lines.join('\n')
    expect(text).toContain(`Port ${env.PIXELFLOW_HTTP_PORT} of 127.0.0.1 is in use`)
    expect(text).toMatch(/PIXELFLOW_HTTP_PORT=\d+ \.\/pixelflow up/)
  }, 30_000)

  test('an invalid setting of a service is reported', async () => {
    const { url: _, ...env } = await place()
    await using running = up({ ...env, PIXELFLOW_MAX_PIXELS: 'many' })
    const code = await running.exited
    expect(code).toBe(2)
    expect(running.lines.join('\n').match(/PIXELFLOW_MAX_PIXELS/g)).toHaveLength(1)
  }, 60_000)

  test('an unreachable broker is reported', async () => {
    const { url: _, ...env } = await place()
    const NATS_URL = `nats://127.0.0.1:${await freePort()}`
    await using running = up({ ...env, NATS_URL })
    expect(await running.exited).toBe(3)
    expect(running.lines.join('\n')).toContain(NATS_URL)
  }, 30_000)

  test('a broker of an old version is reported', async () => {
    const old = createServer((socket) => socket.end('INFO {"version":"2.11.8","api_lvl":1}\r\n'))
    const { promise, resolve: listening } = Promise.withResolvers<void>()
    old.listen(0, '127.0.0.1', listening)
    await promise
    const NATS_URL = `nats://127.0.0.1:${(old.address() as { port: number }).port}`
    const { url: _, ...env } = await place()
    await using running = up({ ...env, NATS_URL })
    expect(await running.exited).toBe(2)
    expect(running.lines.join('\n')).toContain(
      `NATS_URL=${NATS_URL} is nats-server 2.11.8; PixelFlow needs 2.12`,
    )
    old.close()
  }, 30_000)
})

test('the broker of NATS_URL is used, and none is started', async () => {
  await using nats = await startNats()
  const { url, ...env } = await place()
  await using running = up({ ...env, ...nats.env })
  await running.line(ready, 60_000)
  expect(await isHealthy(url)).toBe(true)
  expect([...(await descendants(running.pid)).values()].join('\n')).not.toContain('nats-server')
}, 90_000)
