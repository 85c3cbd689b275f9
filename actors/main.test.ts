import { afterAll, beforeAll, beforeEach, afterEach, describe, expect, test } from 'bun:test'
import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Task } from '@pixelflow/core/task'
import { sampleImage } from '@pixelflow/testkit/images'
import { childrenOf, launch, residentBytes, says, type Running } from '@pixelflow/testkit/process'
import { freePort } from '@pixelflow/testkit/port'
import sharp from 'sharp'
import { openHouse, type House } from './testing/house.ts'

/** The shipped entry point as a process, with a real broker: what it does, and what is left when it is ended. */

let house: House
let scratch: string
beforeAll(async () => {
  house = await openHouse()
}, 60_000)
afterAll(() => house?.[Symbol.asyncDispose]())
beforeEach(async () => {
  scratch = await mkdtemp(join(tmpdir(), 'pixelflow-actor-test-'))
})
afterEach(() => rm(scratch, { recursive: true, force: true }))

/** A second and more of work for any child. */
const heavy = 'blur:60/resize:1500/format:webp:effort=9'

async function actor(env: Record<string, string> = {}): Promise<Running> {
  const settings = { NODE_ENV: 'production', PIXELFLOW_LOG_FORMAT: 'json', PIXELFLOW_SCRATCH_DIR: scratch }
  const running = launch({
    command: [process.execPath, join(import.meta.dir, 'main.ts')],
    env: { ...house.nats.env, ...settings, ...env },
  })
  await running.line(says('ready'))
  return running
}

async function photograph(width = 3000, height = 2000) {
  return (await house.upload(await sampleImage({ width, height }))).id
}

const started = (task: Task) => house.until(task, ({ kind }) => kind === 'started')
const kindsOf = async (task: Task) => (await house.history(task)).map(({ event }) => event.kind)

/** Waits until a process and all its children are gone. */
async function gone(pids: readonly number[]): Promise<void> {
  for (const pid of pids) {
    for (let n = 0; n < 250 && (await residentBytes(pid)) > 0; n += 1) await Bun.sleep(20)
    expect(await residentBytes(pid)).toBe(0)
  }
}

describe('work', () => {
  test('is done stage by stage, in several outputs, with a line in the log and nothing left behind', async () => {
    await using running = await actor()
    const image = await house.upload(
      await sampleImage({ width: 800, height: 600, orientation: 6, gps: true }),
    )
    const task = await house.submit(image.id, {
      steps: [{ op: 'resize', width: 300 }],
      outputs: {
        small: { steps: [{ op: 'resize', width: 100 }] },
        gray: { steps: [{ op: 'grayscale' }, { op: 'format', type: 'png' }] },
      },
    })
    const last = await house.end(task)
    expect(last.task.fault).toBeUndefined()
    const events = (await house.history(task)).map(({ event }) => event)
    expect(events.map((e) => [e.kind, e.output, e.task.progress])).toEqual([
      ['queued', undefined, 0],
      ['started', undefined, 0],
      ['fetched', undefined, 25],
      ['decoded', undefined, 50],
      ['output', 'small', 75],
      ['output', 'gray', 99],
      ['completed', undefined, 100],
    ])
    for (const { name, bytes, sha256, width, height, mediaType } of last.task.outputs) {
      const file = await house.output(task, name)
      expect(file.length).toBe(bytes)
      expect(new Bun.CryptoHasher('sha256').update(file).digest('hex')).toBe(sha256)
      expect(await sharp(file).metadata()).toMatchObject({ width, height })
      expect(mediaType).toBe(name === 'gray' ? 'image/png' : 'image/jpeg')
      expect(Buffer.from(file).includes('PixelFlow')).toBe(false)
    }
    expect(last.task.outputs.map(({ width, height }) => [width, height])).toEqual([
      [100, 133],
      [300, 400],
    ])
    const line = await running.line((text) => text.includes('task completed') && text.includes(task.id))
    expect(JSON.parse(line)).toMatchObject({
      ms: { fetch: expect.any(Number), childCpu: expect.any(Number) },
    })
    const [own] = await readdir(scratch)
    expect(await readdir(join(scratch, own ?? ''))).toEqual([])
  })

  test('on somebody else’s image, or one that is gone, fails', async () => {
    await using _ = await actor()
    const task = await house.submit(Bun.randomUUIDv7(), 'flip')
    expect((await house.end(task)).task.fault?.code).toBe('image_not_found')
  })

  test('on a damaged picture ends its own task only', async () => {
    await using running = await actor()
    const before = await childrenOf(running.pid)
    const whole = await sampleImage({ format: 'png', width: 400, height: 300 })
    const bad = await house.submit((await house.upload(whole.slice(0, whole.length >> 1))).id, 'resize:100')
    const good = await house.submit((await house.upload(whole)).id, 'resize:100')
    expect((await house.end(bad)).task.fault?.code).toBe('corrupt_image')
    expect((await house.end(good)).kind).toBe('completed')
    expect(await childrenOf(running.pid)).toEqual(before)
  })

  test('of an earlier attempt counts: outputs that are stored are not made again', async () => {
    const image = await photograph(600, 400)
    const recipe = { steps: [], outputs: { a: { steps: [{ op: 'flip' }] }, b: { steps: [{ op: 'flop' }] } } }
    {
      await using _ = await actor()
      await house.end(await house.submit(image, recipe))
    }
    // As an actor leaves it that dies between the first output and the second.
    const task = await house.submit(image, recipe, { job: false })
    const { queue, events, results } = house.fabric
    const write = await results.begin()
    await write.write(new TextEncoder().encode('of the first attempt'))
    const { info } = await write.commit(() => `${task.account}/${task.id}/main/a`)
    const output = { name: 'a', format: 'jpeg', mediaType: 'image/jpeg', width: 600, height: 400 } as const
    const last = await events.last(task.account, task.id)
    const left = { ...task, status: 'running', attempt: 1, progress: 75 } as const
    const made = { ...output, bytes: info.bytes, sha256: info.sha256 }
    await events.append(
      { version: 1, kind: 'output', at: task.createdAt, output: 'a', task: { ...left, outputs: [made] } },
      last?.seq ?? 0,
    )
    await queue.submit({
      kind: 'transform',
      lane: 'interactive',
      account: task.account,
      task: task.id,
      stage: 'main',
    })
    await using _ = await actor()
    const end = await house.end(task)
    expect(end.task.outputs.map(({ name }) => name)).toEqual(['a', 'b'])
    expect(end.task.outputs[0]).toEqual(made)
    expect((await kindsOf(task)).filter((kind) => kind === 'output').length).toBe(2)
  })
})

describe('bounds', () => {
  test('of memory: the child is killed, the task fails, the next one works', async () => {
    await using running = await actor({ PIXELFLOW_CHILD_MAX_RSS: '128MiB', PIXELFLOW_ACTOR_CONCURRENCY: '1' })
    const before = await childrenOf(running.pid)
    const greedy = await house.submit(await photograph(6000, 4000), 'rotate:30')
    const { fault } = (await house.end(greedy)).task
    expect(fault).toMatchObject({ code: 'out_of_bounds' })
    expect(fault?.detail).toContain('128 MiB')
    await gone(before)
    const modest = await house.submit(await photograph(300, 200), 'flip')
    expect((await house.end(modest)).kind).toBe('completed')
  })

  test('of time: the same', async () => {
    await using running = await actor({ PIXELFLOW_TASK_TIMEOUT: '300ms', PIXELFLOW_ACTOR_CONCURRENCY: '1' })
    const before = await childrenOf(running.pid)
    const slow = await house.submit(await photograph(), 'resize:2000/format:avif:effort=9')
    const { fault } = (await house.end(slow)).task
    expect(fault).toMatchObject({ code: 'deadline_exceeded' })
    expect(fault?.detail).toContain('0.3 s')
    await gone(before)
    const quick = await house.submit(await photograph(300, 200), 'flip')
    expect((await house.end(quick)).kind).toBe('completed')
  })

  test('of pixels', async () => {
    await using _ = await actor({ PIXELFLOW_MAX_PIXELS: '1000000' })
    const large = await house.submit(await photograph(1001, 1000), 'resize:10')
    expect((await house.end(large)).task.fault?.code).toBe('too_many_pixels')
    const grown = await house.submit(await photograph(100, 100), 'resize:2000:enlarge=true')
    expect((await house.end(grown)).task.fault).toMatchObject({ code: 'too_many_pixels', field: 'steps[0]' })
  })

  test('a photograph of 50 megapixels takes less than 1 GB in any process', async () => {
    await using running = await actor()
    const image = (
      await house.upload(await sampleImage({ width: 8688, height: 5792, quality: 85, noise: 12 }))
    ).id
    let most = 0
    const timer = setInterval(async () => {
      for (const pid of [running.pid, ...(await childrenOf(running.pid))]) {
        most = Math.max(most, await residentBytes(pid))
      }
    }, 20)
    const recipes = [
      'resize:2000/format:webp',
      'rotate:90/crop:100:100:5000:5000/resize:800',
      'blur:3',
      'flip',
    ]
    const tasks = await Promise.all(recipes.map((recipe) => house.submit(image, recipe)))
    for (const task of tasks) expect((await house.end(task, 60_000)).task.fault).toBeUndefined()
    clearInterval(timer)
    expect(most / 2 ** 20).toBeGreaterThan(100)
    expect(most).toBeLessThan(1e9)
  }, 90_000)
})

describe('an end before the end', () => {
  test('by cancelling: the child is gone within a second', async () => {
    await using running = await actor({ PIXELFLOW_ACTOR_CONCURRENCY: '1' })
    const [child] = await childrenOf(running.pid)
    const task = await house.submit(await photograph(), heavy)
    await house.until(task, ({ kind }) => kind === 'fetched')
    await Bun.sleep(100)
    const began = performance.now()
    await house.cancel(task)
    while ((await residentBytes(child ?? 0)) > 0) await Bun.sleep(5)
    expect(performance.now() - began).toBeLessThan(1000)
    const next = await house.submit(await photograph(300, 200), 'flip')
    expect((await house.end(next)).kind).toBe('completed')
    expect((await kindsOf(task)).at(-1)).toBe('cancelled')
  })

  test('by kill -9 of the process: another completes the task, once, and sweeps up', async () => {
    const first = await actor()
    const task = await house.submit(await photograph(), heavy)
    await house.until(task, ({ kind }) => kind === 'fetched')
    const children = await childrenOf(first.pid)
    expect(children.length).toBe(2)
    first.signal('SIGKILL')
    await first.exited
    await gone(children)
    expect((await readdir(scratch)).length).toBe(1)
    await using second = await actor()
    expect(await readdir(scratch)).toEqual([expect.stringContaining(`~${second.pid}~`)])
    const last = await house.end(task)
    expect(last.task).toMatchObject({ status: 'completed', attempt: 2 })
    expect((await house.output(task)).length).toBe(last.task.outputs[0]?.bytes as number)
  }, 60_000)

  test('by kill -9 every time: the task fails with attempts_exhausted', async () => {
    const first = await actor({ PIXELFLOW_TASK_ATTEMPTS: '1' })
    const task = await house.submit(await photograph(), heavy)
    await started(task)
    first.signal('SIGKILL')
    await first.exited
    await using _ = await actor({ PIXELFLOW_TASK_ATTEMPTS: '1' })
    expect((await house.end(task)).task.fault?.code).toBe('attempts_exhausted')
  }, 60_000)

  test('by SIGTERM: what runs is finished, nothing stays', async () => {
    const running = await actor()
    const task = await house.submit(await photograph(), heavy)
    await house.until(task, ({ kind }) => kind === 'fetched')
    const children = await childrenOf(running.pid)
    running.signal('SIGTERM')
    expect(await running.exited).toBe(0)
    expect((await house.end(task)).task).toMatchObject({ status: 'completed', attempt: 1 })
    expect(await readdir(scratch)).toEqual([])
    await gone(children)
  }, 30_000)

  test('by SIGTERM with too little time: the job goes to somebody else at once', async () => {
    const running = await actor({ PIXELFLOW_DRAIN_TIMEOUT: '1600ms' })
    const image = await photograph(6000, 4000)
    const task = await house.submit(image, 'blur:250/format:avif:effort=9')
    await house.until(task, ({ kind }) => kind === 'fetched')
    const began = performance.now()
    running.signal('SIGTERM')
    expect(await running.exited).toBe(0)
    expect(performance.now() - began).toBeLessThan(1700)
    expect(await readdir(scratch)).toEqual([])
    const lease = await house.fabric.work.next('transform', AbortSignal.timeout(2000))
    expect(lease).toMatchObject({ attempt: 2, job: { task: task.id } })
    await house.cancel(task)
    await lease?.done()
  }, 30_000)

  test('by the end of the parent, told through standard input', async () => {
    const env = {
      ...process.env,
      ...house.nats.env,
      PIXELFLOW_EXIT_WITH_PARENT: '1',
      PIXELFLOW_LOG_FORMAT: 'json',
    }
    const child = Bun.spawn([process.execPath, join(import.meta.dir, 'main.ts')], {
      env,
      stdin: 'pipe',
      stdout: 'pipe',
    })
    const lines = child.stdout.pipeThrough(new TextDecoderStream())
    for await (const text of lines) if (text.includes('"ready"')) break
    await child.stdin.end()
    expect(await child.exited).toBe(0)
  })

  test('of the broker by kill -9: the task completes once it is back', async () => {
    await using _ = await actor()
    const tasks = await Promise.all([1, 2, 3].map(async () => house.submit(await photograph(), heavy)))
    await started(tasks[0] as Task)
    await house.nats.kill9()
    await Bun.sleep(700)
    await house.nats.restart()
    for (const task of tasks) expect((await house.end(task, 60_000)).kind).toBe('completed')
  }, 90_000)
})

test('wrong settings stop the start and are named', async () => {
  await using running = launch({
    command: [process.execPath, join(import.meta.dir, 'main.ts')],
    env: { PIXELFLOW_TASK_TIMEOUT: 'soon', PIXELFLOW_LOG_FORMAT: 'json' },
  })
  expect(await running.exited).toBe(1)
  const line = await running.line(says('settings are wrong'))
  expect(line).toContain('PIXELFLOW_TASK_TIMEOUT')
  expect(line).toContain('Give a duration')
})

test('a stop that comes while it waits for the broker ends it at once', async () => {
  await using running = launch({
    command: [process.execPath, join(import.meta.dir, 'main.ts')],
    env: { NATS_URL: `nats://127.0.0.1:${await freePort()}`, PIXELFLOW_LOG_FORMAT: 'json' },
  })
  await running.line(says('starting'))
  await Bun.sleep(300)
  running.signal('SIGTERM')
  expect(await running.exited).toBe(0)
}, 5000)
