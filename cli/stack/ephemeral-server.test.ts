import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { sampleImage } from '@pixelflow/testkit/images'
import { freePort } from '@pixelflow/testkit/port'
import { launch, type RunningProcess } from '@pixelflow/testkit/process'
import { waitFor } from '@pixelflow/testkit/wait-for'
import { tryLock } from '../lock.ts'

/** Commands without a server start a temporary one and share it. It stops after the last command, even if that is killed. */

const pixelflow = join(resolve(import.meta.dir, '../..'), 'pixelflow')
let home: string
beforeAll(async () => {
  home = await mkdtemp(join(tmpdir(), 'pixelflow-ephemeral-'))
  await Bun.write(join(home, 'photo.jpg'), await sampleImage({ width: 900, height: 600 }))
  await Bun.write(join(home, 'large.png'), await sampleImage({ width: 4000, height: 3000, format: 'png' }))
}, 60_000)
afterAll(() => rm(home, { recursive: true, force: true }))

let serial = 0
async function place() {
  return {
    PIXELFLOW_HTTP_PORT: String(await freePort()),
    PIXELFLOW_GRPC_PORT: '0',
    PIXELFLOW_DATA_DIR: join(home, String((serial += 1))),
  }
}
type Place = Awaited<ReturnType<typeof place>>

const slow = ['large.png', '-r', 'blur:60/resize:3000/format:avif:effort=8']

function process_(env: Place, args: readonly string[], output: string): RunningProcess {
  return launch({ command: [pixelflow, 'process', ...args, '-o', output], cwd: home, env })
}

const isRunning = (env: Place) => {
  using free = tryLock(join(env.PIXELFLOW_DATA_DIR, 'up.lock'), 'exclusive')
  return free === null
}

const waitUntilStopped = (env: Place) => waitFor('temporary server stopped', () => !isRunning(env))

const pidOf = async (env: Place) =>
  ((await Bun.file(join(env.PIXELFLOW_DATA_DIR, 'up.json')).json()) as { pid: number }).pid

describe('without a server', () => {
  test('process starts a temporary server, reports it, and stops it', async () => {
    const env = await place()
    await using running = process_(env, ['photo.jpg', '-r', 'resize:100'], 'a.jpg')
    expect(await running.exited).toBe(0)
    expect(running.lines.join('\n')).toContain(
      `no server is reachable at http://127.0.0.1:${env.PIXELFLOW_HTTP_PORT}; starting a temporary one`,
    )
    expect(running.lines.join('\n')).toContain('stopped the temporary server')
    expect(await Bun.file(join(home, 'a.jpg')).exists()).toBe(true)
    expect(isRunning(env)).toBe(false)
  }, 90_000)

  test('concurrent commands share a server; the last one stops it', async () => {
    const env = await place()
    const all = [0, 1, 2].map((n) =>
      process_(env, ['photo.jpg', '-r', `resize:${50 + n}`], `shared-${n}.jpg`),
    )
    expect(await Promise.all(all.map((one) => one.exited))).toEqual([0, 0, 0])
    const outputs = all.map((one) => one.lines.join('\n'))
    expect(outputs.filter((text) => text.includes('stopped the temporary server')).length).toBe(1)
    await waitUntilStopped(env)
  }, 120_000)

  test('a command that ends does not stop a server that another one uses', async () => {
    const env = await place()
    await using long = process_(env, slow, 'long.avif')
    await long.line((line) => line.includes('started'), 60_000)
    const pid = await pidOf(env)
    await using short = process_(env, ['photo.jpg', '-r', 'resize:60'], 'short.jpg')
    expect(await short.exited).toBe(0)
    expect(await pidOf(env)).toBe(pid)
    expect(isRunning(env)).toBe(true)
    long.signal('SIGINT')
    expect(await long.exited).toBe(130)
    await waitUntilStopped(env)
  }, 120_000)

  test('the server stops when its only user is killed', async () => {
    const env = await place()
    await using running = process_(env, slow, 'killed.avif')
    await running.line((line) => line.includes('started'), 60_000)
    running.signal('SIGKILL')
    await running.exited
    await waitUntilStopped(env)
  }, 120_000)

  test('Ctrl-C during the start leaves no process', async () => {
    const env = await place()
    await using running = process_(env, ['photo.jpg', '-r', 'resize:100'], 'early.jpg')
    await running.line((line) => line.includes('starting a temporary one'))
    running.signal('SIGINT')
    expect(await running.exited).toBe(130)
    await waitUntilStopped(env)
  }, 90_000)

  test('the reason of a failed start is shown', async () => {
    const env = await place()
    await using running = launch({
      command: [pixelflow, 'process', 'photo.jpg', '-r', 'resize:100', '-o', 'never.jpg'],
      cwd: home,
      env: { ...env, PIXELFLOW_MAX_PIXELS: 'many' },
    })
    expect(await running.exited).toBe(2)
    expect(running.lines.join('\n')).toContain('PIXELFLOW_MAX_PIXELS')
    expect(isRunning(env)).toBe(false)
  }, 90_000)

  test('a folder whose server runs at another address is an error', async () => {
    const env = await place()
    await using long = process_(env, slow, 'elsewhere.avif')
    await long.line((line) => line.includes('started'), 60_000)
    const wrong = `http://127.0.0.1:${await freePort()}`
    await using running = process_(env, ['photo.jpg', '-r', 'resize:90', '--server', wrong], 'wrong.jpg')
    expect(await running.exited).toBe(3)
    expect(running.lines.join('\n')).toContain(`runs at http://127.0.0.1:${env.PIXELFLOW_HTTP_PORT}`)
    long.signal('SIGINT')
    await long.exited
    await waitUntilStopped(env)
  }, 120_000)

  test('another program on the port is an error', async () => {
    const env = await place()
    using _ = Bun.serve({
      port: Number(env.PIXELFLOW_HTTP_PORT),
      hostname: '127.0.0.1',
      fetch: () => new Response('other'),
    })
    await using running = process_(env, ['photo.jpg', '-r', 'resize:100'], 'other.jpg')
    expect(await running.exited).toBe(3)
    expect(running.lines.join('\n')).toContain('is not a PixelFlow server')
  }, 30_000)
})
