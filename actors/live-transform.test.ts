import { describe, expect, test } from 'bun:test'
import { sniffFormat } from '@pixelflow/core/format'
import { transformResult, type TransformResult } from '@pixelflow/core/transform-request'
import type { Session } from '@pixelflow/core/ports/sessions'
import { parseRecipe } from '@pixelflow/core/recipe/recipe'
import { sampleImage } from '@pixelflow/testkit/images'
import { childrenOf, isRunning, waitForExit } from '@pixelflow/testkit/process'
import { waitFor } from '@pixelflow/testkit/wait-for'
import sharp from 'sharp'
import { slowRecipe, useActorProcesses, type ActorProcesses } from './testing/actor-processes.ts'
import { waitForBusyWorker } from './testing/wait-for-busy-worker.ts'
import type { ActorCluster } from './testing/actor-cluster.ts'
import { catchFault } from '@pixelflow/testkit/catch-fault'

/** Live sessions of a shipped actor, from the gateway's side. */

let cluster: ActorCluster
let processes: ActorProcesses
useActorProcesses((...opened) => ([cluster, processes] = opened))

const live = { PIXELFLOW_LIVE_CONCURRENCY: '1', PIXELFLOW_ACTOR_CONCURRENCY: '1' }
const never = new AbortController().signal

async function openCall(source: Uint8Array, recipe: unknown, output = 'default'): Promise<Session> {
  const opening = {
    account: 'ann',
    format: sniffFormat(source) ?? 'jpeg',
    bytes: source.length,
    width: null,
    height: null,
    recipe: parseRecipe(recipe),
    output,
  }
  const session = await cluster.adapters.sessions.open('transform', opening, never)
  await session.send(null, source)
  await session.finish()
  return session
}

async function readResult(session: Session): Promise<{ head: TransformResult; bytes: Uint8Array }> {
  const first = await session.next()
  const head = transformResult.parse(first?.head)
  const pieces = [first?.body ?? new Uint8Array(0)]
  for (let frame = await session.next(); frame !== null; frame = await session.next()) pieces.push(frame.body)
  return { head, bytes: Buffer.concat(pieces) }
}

async function call(source: Uint8Array, recipe: unknown, output?: string) {
  await using session = await openCall(source, recipe, output)
  // Awaited, because the session is disposed at the end of the scope.
  return await readResult(session)
}

const faultOfCall = (source: Uint8Array, recipe: unknown) => catchFault(call(source, recipe))
const small = () => sampleImage({ width: 400, height: 300 })

describe('a live call', () => {
  test('returns what a task would store, whatever its size, and leaves no files', async () => {
    await using _ = await processes.actor(live)
    const source = await sampleImage({ width: 1600, height: 1200 })
    const recipes = [
      'resize:200/format:webp',
      'resize:300/format:png',
      { steps: [], outputs: { big: { steps: [{ op: 'format', type: 'png' }] }, other: { steps: [] } } },
    ]
    for (const [i, recipe] of recipes.entries()) {
      const { head, bytes } = await call(source, recipe, i === 2 ? 'big' : 'default')
      const { width, height, format } = await sharp(bytes).metadata()
      expect([head.width, head.height, head.format as string]).toEqual([width, height, format])
      expect(head.bytes).toBe(bytes.length)
      expect(head.sha256).toBe(new Bun.CryptoHasher('sha256').update(bytes).digest('hex'))
      if (i === 2) expect(bytes.length).toBeGreaterThan(2 * 2 ** 20)
    }
    await waitFor('work folders removed', processes.work, (folders) => folders.length === 0)
  }, 30_000)

  test('does not wait for a queue full of long work', async () => {
    await using _ = await processes.actor(live)
    const image = await cluster.uploadSample()
    const tasks = [await cluster.submit(image, slowRecipe), await cluster.submit(image, slowRecipe)]
    await cluster.waitForEvent(tasks[0] as (typeof tasks)[0], 'fetched')
    const source = await small()
    for (let i = 0; i < 3; i += 1) await call(source, 'resize:100')
    const kinds = await Promise.all(
      tasks.map(async (task) => (await cluster.history(task)).at(-1)?.event.kind),
    )
    expect(kinds).not.toContain('completed')
    for (const task of tasks) await cluster.cancel(task)
  }, 30_000)

  test('on a hostile file fails without affecting other calls', async () => {
    await using running = await processes.actor(live)
    const before = await childrenOf(running.pid)
    const whole = await sampleImage({ format: 'png', width: 400, height: 300 })
    const [truncated, good, headerOnly] = await Promise.all([
      faultOfCall(whole.slice(0, whole.length >> 1), 'resize:100'),
      call(whole, 'resize:100'),
      faultOfCall(new Uint8Array([0xff, 0xd8, 0xff, 0xe0, ...new Uint8Array(500)]), 'resize:100'),
    ])
    expect(truncated.code).toBe('corrupt_image')
    expect(good.head.width).toBe(100)
    expect(headerOnly.code).toBe('corrupt_image')
    expect(await childrenOf(running.pid)).toEqual(expect.arrayContaining(before))
  }, 30_000)

  test('beyond a limit kills its worker, and the next call works', async () => {
    const large = await sampleImage({ width: 6000, height: 4000 })
    {
      await using _ = await processes.actor({ ...live, PIXELFLOW_TASK_TIMEOUT: '400ms' })
      expect((await faultOfCall(large, 'resize:2000/format:avif:effort=9')).code).toBe('deadline_exceeded')
      expect((await call(await small(), 'flip')).head.width).toBe(400)
    }
    await using _ = await processes.actor({
      ...live,
      PIXELFLOW_WORKER_MAX_RSS: '128MiB',
      PIXELFLOW_MAX_PIXELS: '50000000',
    })
    expect((await faultOfCall(large, 'rotate:30')).code).toBe('resource_limit_exceeded')
    expect((await faultOfCall(await small(), 'resize:20000:enlarge=true')).code).toBe('too_many_pixels')
    expect((await call(await small(), 'flip')).head.width).toBe(400)
  }, 30_000)

  test('whose client has left is stopped within a second', async () => {
    await using running = await processes.actor(live)
    const before = await childrenOf(running.pid)
    const session = await openCall(await sampleImage({ width: 3000, height: 2000 }), slowRecipe)
    await waitForBusyWorker(before)
    const leftAt = performance.now()
    await session[Symbol.asyncDispose]()
    await waitFor(
      'worker stopped',
      () => before.filter(isRunning),
      (alive) => alive.length < before.length,
    )
    expect(performance.now() - leftAt).toBeLessThan(1000)
    expect((await call(await small(), 'flip')).head.width).toBe(400)
  }, 30_000)

  test('whose worker or actor is killed ends with actor_lost', async () => {
    const running = await processes.actor(live)
    const source = await sampleImage({ width: 3000, height: 2000 })
    for (const kill of [
      async () => {
        for (const pid of await childrenOf(running.pid)) process.kill(pid, 'SIGKILL')
      },
      async () => running.signal('SIGKILL'),
    ]) {
      const workers = await waitFor(
        'workers running',
        () => childrenOf(running.pid),
        (pids) => pids.length > 0,
      )
      await using session = await openCall(source, slowRecipe)
      await waitForBusyWorker(workers)
      await kill()
      expect((await catchFault(session.next())).code).toBe('actor_lost')
      await waitForExit(workers)
      // The next worker is warm then.
      if (isRunning(running.pid)) await call(await small(), 'flip')
    }
    await running.exited
  }, 30_000)

  test('is finished by a stopping actor, which takes no more calls', async () => {
    const running = await processes.actor(live)
    const workers = await childrenOf(running.pid)
    const session = await openCall(await sampleImage({ width: 2000, height: 1500 }), 'blur:60/resize:500')
    // The call is in progress when the actor stops.
    await waitForBusyWorker(workers)
    running.signal('SIGTERM')
    expect((await readResult(session)).head.width).toBe(500)
    expect(await running.exited).toBe(0)
    const fault = await faultOfCall(await small(), 'flip')
    expect(fault.code).toBe('unavailable')
  }, 30_000)

  test('with an invalid opening is rejected, and its capacity is freed', async () => {
    await using _ = await processes.actor(live)
    const { sessions } = cluster.adapters
    for (const opening of [null, { account: 'ann' }]) {
      await using session = await sessions.open('transform', opening, never)
      expect((await catchFault(session.next())).code).toBe('unavailable')
    }
    const source = await small()
    const opening = {
      account: 'ann',
      format: 'jpeg',
      bytes: source.length,
      width: 400,
      height: 300,
      recipe: parseRecipe('flip'),
    }
    for (const sent of [source.subarray(1), Buffer.concat([source, source])]) {
      await using session = await sessions.open('transform', { ...opening, output: 'default' }, never)
      await session.send(null, sent)
      await session.finish()
      expect((await catchFault(session.next())).code).toBe('internal')
    }
    expect((await call(source, 'flip')).head.width).toBe(400)
  }, 30_000)
})
