import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { mkdtemp, readdir, rm, stat } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { sampleImage } from '@pixelflow/testkit/images'
import { startNats } from '@pixelflow/testkit/nats'
import { freePort } from '@pixelflow/testkit/port'
import { launch, says, type RunningProcess } from '@pixelflow/testkit/process'
import { bestDieWithParentMethod } from './die-with-parent.ts'

/** `up` as a newcomer runs it: the shipped processes around a real broker, and what happens when some of them die. */

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

const ready = (line: string) => says('ready')(line) && line.includes('"service":"up"')

/** Every process below one, by pid, with its command line. */
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

async function untilGone(pids: Iterable<number>, withinMs: number): Promise<void> {
  const deadline = performance.now() + withinMs
  let left = await stillAlive(pids)
  while (left.length > 0 && performance.now() < deadline) {
    await Bun.sleep(50)
    left = await stillAlive(pids)
  }
  expect(left).toEqual([])
}

const isHealthy = (url: string) =>
  fetch(`${url}/health/ready`).then(
    (answer) => answer.ok,
    () => false,
  )

async function untilHealthy(url: string): Promise<void> {
  for (let wait = 0; wait < 200; wait++) {
    if (await isHealthy(url)) return
    await Bun.sleep(50)
  }
  throw new Error(`${url} did not become healthy`)
}

async function untilStatus(url: string, task: string, status: string): Promise<void> {
  for (let wait = 0; wait < 500; wait++) {
    const seen = (await (await fetch(`${url}/api/v1/tasks/${task}`)).json()) as { status: string }
    if (seen.status === status) return
    await Bun.sleep(20)
  }
  throw new Error(`task ${task} did not become ${status}`)
}

describe('up', () => {
  test('runs everything, is found by a second one, and Ctrl-C leaves nothing behind', async () => {
    const { url, ...env } = await place()
    await using running = up(env)
    const line = await running.line(ready, 60_000)
    expect(JSON.parse(line)).toMatchObject({ level: 'info', service: 'up', url })
    expect(await isHealthy(url)).toBe(true)

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
    for (const part of ['nats-server', 'gateway/main.ts', 'actors/main.ts']) expect(all).toContain(part)
    const started = performance.now()
    running.signal('SIGINT')
    expect(await running.exited).toBe(0)
    expect(performance.now() - started).toBeLessThan(10_000)
    await untilGone(below.keys(), 0)
    expect(await readdir(data)).not.toContain('up.json')
    // Every line is JSON, with the service that it comes from.
    const services = running.lines.map((one) => (JSON.parse(one) as { service: string }).service)
    expect(new Set(services)).toEqual(new Set(['up', 'gateway', 'actors']))
  }, 90_000)

  test.each([...new Set(['pipe', bestDieWithParentMethod()])])(
    'killed with -9 it leaves nothing behind: %s',
    async (dieWithParent) => {
      const { url: _, ...env } = await place()
      await using running = up({ ...env, PIXELFLOW_PARENT_DEATH_DETECTION: dieWithParent })
      await running.line(ready, 60_000)
      const below = await descendants(running.pid)
      expect(below.size).toBeGreaterThanOrEqual(3)
      running.signal('SIGKILL')
      await running.exited
      await untilGone(below.keys(), 5000)
      // The next one needs no manual cleaning.
      await using next = up({ ...env, PIXELFLOW_PARENT_DEATH_DETECTION: dieWithParent })
      await next.line(ready, 60_000)
    },
    120_000,
  )

  test('a second Ctrl-C ends it at once, whatever is being worked on', async () => {
    const { url, ...env } = await place()
    await using running = up(env)
    await running.line(ready, 60_000)
    const body = new FormData()
    body.set('recipe', 'blur:60/resize:3000/format:avif:effort=8')
    body.set('file', new Blob([(await sampleImage({ width: 4000, height: 3000 })).slice()]), 'large.jpg')
    const task = (await (await fetch(`${url}/api/v1/tasks`, { method: 'POST', body })).json()) as {
      id: string
    }
    await untilStatus(url, task.id, 'running')
    const below = await descendants(running.pid)
    running.signal('SIGINT')
    await running.line((line) => line.includes('stopping; work in progress'))
    running.signal('SIGINT')
    await running.line(says('stopping at once'))
    await running.exited
    await untilGone(below.keys(), 2000)
  }, 90_000)

  test('brings back whatever is killed, the broker on the same port', async () => {
    const { url, ...env } = await place()
    await using running = up(env)
    await running.line(ready, 60_000)
    for (const [service, part] of [
      ['nats', 'nats-server'],
      ['gateway', 'gateway/main.ts'],
      ['actors', 'actors/main.ts'],
    ] as const) {
      const victim = [...(await descendants(running.pid))].find(([, args]) => args.includes(part))
      process.kill(victim?.[0] ?? 0, 'SIGKILL')
      const back = (line: string) =>
        says('process restarted')(line) && line.includes(`"service":"${service}"`)
      await running.line(back)
    }
    await untilHealthy(url)
    const told = running.lines.filter(says('process ended; restarting'))
    expect(told.length).toBe(3)
  }, 120_000)
})

describe('what up cannot do, it says', () => {
  test('a port that is taken is named, with the way out', async () => {
    const { url, ...env } = await place()
    using _ = Bun.serve({
      port: Number(new URL(url).port),
      hostname: '127.0.0.1',
      fetch: () => new Response('other'),
    })
    await using running = up(env)
    expect(await running.exited).toBe(2)
    const text = running.lines.join('\n')
    expect(text).toContain(`Port ${env.PIXELFLOW_HTTP_PORT} of 127.0.0.1 is taken`)
    expect(text).toMatch(/PIXELFLOW_HTTP_PORT=\d+ \.\/pixelflow up/)
  }, 30_000)

  test('a wrong setting of a service stops the start, and is named', async () => {
    const { url: _, ...env } = await place()
    await using running = up({ ...env, PIXELFLOW_MAX_PIXELS: 'many' })
    const code = await running.exited
    expect(code).toBe(2)
    expect(running.lines.join('\n').match(/PIXELFLOW_MAX_PIXELS/g)).toHaveLength(1)
  }, 60_000)

  test('a broker that does not answer is named', async () => {
    const { url: _, ...env } = await place()
    const NATS_URL = `nats://127.0.0.1:${await freePort()}`
    await using running = up({ ...env, NATS_URL })
    expect(await running.exited).toBe(3)
    expect(running.lines.join('\n')).toContain(NATS_URL)
  }, 30_000)

  test('a broker that is too old by what it says of itself is refused by name', async () => {
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

test('a broker named by NATS_URL is used, and none is started', async () => {
  await using nats = await startNats()
  const { url, ...env } = await place()
  await using running = up({ ...env, ...nats.env })
  await running.line(ready, 60_000)
  expect(await isHealthy(url)).toBe(true)
  expect([...(await descendants(running.pid)).values()].join('\n')).not.toContain('nats-server')
}, 90_000)
