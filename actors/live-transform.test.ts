import { describe, expect, test } from 'bun:test'
import { Fault } from '@pixelflow/core/fault'
import { sniffFormat } from '@pixelflow/core/format'
import { transformResult, type TransformResult } from '@pixelflow/core/transform-request'
import type { Session } from '@pixelflow/core/ports/sessions'
import { parseRecipe } from '@pixelflow/core/recipe/recipe'
import { sampleImage } from '@pixelflow/testkit/images'
import { childrenOf } from '@pixelflow/testkit/process'
import { until } from '@pixelflow/testkit/until'
import sharp from 'sharp'
import {
  waitForExit,
  slowRecipe,
  useActorProcesses,
  uploadSample,
  type ActorProcesses,
} from './testing/actor-processes.ts'
import type { ActorCluster } from './testing/actor-cluster.ts'

/** Live work of a shipped actor, from the gateway's side of the sessions. */

let cluster: ActorCluster
let processes: ActorProcesses
useActorProcesses((...opened) => ([cluster, processes] = opened))

const live = { PIXELFLOW_LIVE_CONCURRENCY: '1', PIXELFLOW_ACTOR_CONCURRENCY: '1' }
const never = new AbortController().signal

async function begin(source: Uint8Array, recipe: unknown, output = 'default'): Promise<Session> {
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

async function rest(session: Session): Promise<{ head: TransformResult; bytes: Uint8Array }> {
  const first = await session.next()
  const head = transformResult.parse(first?.head)
  const pieces = [first?.body ?? new Uint8Array(0)]
  for (let frame = await session.next(); frame !== null; frame = await session.next()) pieces.push(frame.body)
  return { head, bytes: Buffer.concat(pieces) }
}

async function call(source: Uint8Array, recipe: unknown, output?: string) {
  await using session = await begin(source, recipe, output)
  // Awaited, because the session is disposed at the end of the scope.
  return await rest(session)
}

/** The fault of a call. */
async function refused(source: Uint8Array, recipe: unknown): Promise<Fault> {
  const thrown = await call(source, recipe).catch((error: unknown) => error)
  if (thrown instanceof Fault) return thrown
  throw new Error('It was not refused.')
}

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
    await until(async () => (await processes.work()).length === 0)
  }, 30_000)

  test('does not wait for a queue full of long work', async () => {
    await using _ = await processes.actor(live)
    const image = await uploadSample(cluster)
    const tasks = [await cluster.submit(image, slowRecipe), await cluster.submit(image, slowRecipe)]
    await cluster.until(tasks[0] as (typeof tasks)[0], ({ kind }) => kind === 'fetched')
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
    const [bad, good, liar] = await Promise.all([
      refused(whole.slice(0, whole.length >> 1), 'resize:100'),
      call(whole, 'resize:100'),
      refused(new Uint8Array([0xff, 0xd8, 0xff, 0xe0, ...new Uint8Array(500)]), 'resize:100'),
    ])
    expect(bad.code).toBe('corrupt_image')
    expect(good.head.width).toBe(100)
    expect(liar.code).toBe('corrupt_image')
    expect(await childrenOf(running.pid)).toEqual(before)
  }, 30_000)

  test('beyond a limit kills its worker, and the next call works', async () => {
    const large = await sampleImage({ width: 6000, height: 4000 })
    {
      await using _ = await processes.actor({ ...live, PIXELFLOW_TASK_TIMEOUT: '400ms' })
      expect((await refused(large, 'resize:2000/format:avif:effort=9')).code).toBe('deadline_exceeded')
      expect((await call(await small(), 'flip')).head.width).toBe(400)
    }
    await using _ = await processes.actor({
      ...live,
      PIXELFLOW_CHILD_MAX_RSS: '128MiB',
      PIXELFLOW_MAX_PIXELS: '50000000',
    })
    expect((await refused(large, 'rotate:30')).code).toBe('resource_limit_exceeded')
    expect((await refused(await small(), 'resize:20000:enlarge=true')).code).toBe('too_many_pixels')
    expect((await call(await small(), 'flip')).head.width).toBe(400)
  }, 30_000)

  test('whose client has left is stopped within a second', async () => {
    await using running = await processes.actor(live)
    const before = await childrenOf(running.pid)
    const session = await begin(await sampleImage({ width: 3000, height: 2000 }), slowRecipe)
    await Bun.sleep(300)
    const left = performance.now()
    await session[Symbol.asyncDispose]()
    for (let alive = before.length; alive === before.length; await Bun.sleep(5)) {
      const now = await childrenOf(running.pid)
      alive = before.filter((pid) => now.includes(pid)).length
    }
    expect(performance.now() - left).toBeLessThan(1000)
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
      await using session = await begin(source, slowRecipe)
      await Bun.sleep(300)
      const children = await childrenOf(running.pid)
      await kill()
      const thrown = await session.next().catch((error: unknown) => error)
      expect((thrown as Fault).code).toBe('actor_lost')
      expect(await waitForExit(children)).toBe(true)
    }
    await running.exited
  }, 30_000)

  test('is finished by a stopping actor, which takes no more calls', async () => {
    const running = await processes.actor(live)
    const session = await begin(await sampleImage({ width: 2000, height: 1500 }), 'blur:20/resize:500')
    await Bun.sleep(100)
    running.signal('SIGTERM')
    expect((await rest(session)).head.width).toBe(500)
    expect(await running.exited).toBe(0)
    const fault = await refused(await small(), 'flip')
    expect(fault.code).toBe('unavailable')
  }, 30_000)

  test('with an invalid opening is rejected, and its capacity is freed', async () => {
    await using _ = await processes.actor(live)
    const { sessions } = cluster.adapters
    for (const opening of [null, { account: 'ann' }]) {
      await using session = await sessions.open('transform', opening, never)
      const thrown = await session.next().catch((error: unknown) => error)
      expect((thrown as Fault).code).toBe('unavailable')
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
      const thrown = await session.next().catch((error: unknown) => error)
      expect((thrown as Fault).code).toBe('internal')
    }
    expect((await call(source, 'flip')).head.width).toBe(400)
  }, 30_000)
})
