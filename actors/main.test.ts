import { describe, expect, test } from 'bun:test'
import { stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { appendEvent } from '@pixelflow/testkit/append-event'
import { sampleImage } from '@pixelflow/testkit/images'
import { freePort } from '@pixelflow/testkit/port'
import { measurePeak } from '@pixelflow/testkit/measure-peak'
import {
  childrenOf,
  launch,
  peakBytes,
  residentBytes,
  hasMessage,
  waitForExit,
} from '@pixelflow/testkit/process'
import sharp from 'sharp'
import { estimateMemory } from './sandbox/estimate-memory.ts'
import { entry, useActorProcesses, type ActorProcesses } from './testing/actor-processes.ts'
import type { ActorCluster } from './testing/actor-cluster.ts'

/** The shipped entry point as a process with a real broker: its work and its limits. */

let cluster: ActorCluster
let processes: ActorProcesses
useActorProcesses((...opened) => ([cluster, processes] = opened))

describe('work', () => {
  test('reports stages, makes several outputs, logs a line, and leaves no files', async () => {
    await using running = await processes.actor()
    const image = await cluster.upload(
      await sampleImage({ width: 800, height: 600, orientation: 6, gps: true }),
    )
    const task = await cluster.submit(image.id, {
      steps: [{ op: 'resize', width: 300 }],
      outputs: {
        small: { steps: [{ op: 'resize', width: 100 }] },
        gray: { steps: [{ op: 'grayscale' }, { op: 'format', type: 'png' }] },
      },
    })
    const last = await cluster.end(task)
    expect(last.task.fault).toBeUndefined()
    const events = (await cluster.history(task)).map(({ event }) => event)
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
      const file = await cluster.output(task, name)
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
    const line = await running.line((text) => hasMessage('task completed')(text) && text.includes(task.id))
    expect(JSON.parse(line)).toMatchObject({
      ms: { fetch: expect.any(Number), workerCpu: expect.any(Number) },
    })
    expect(await processes.work()).toEqual([])
  })

  test('on an image of another account, or a deleted one, fails', async () => {
    await using _ = await processes.actor()
    const task = await cluster.submit(Bun.randomUUIDv7(), 'flip')
    expect((await cluster.end(task)).task.fault?.code).toBe('image_not_found')
  })

  test('on a damaged image fails its own task only', async () => {
    await using running = await processes.actor()
    const before = await childrenOf(running.pid)
    const whole = await sampleImage({ format: 'png', width: 400, height: 300 })
    const bad = await cluster.submit(
      (await cluster.upload(whole.slice(0, whole.length >> 1))).id,
      'resize:100',
    )
    const good = await cluster.submit((await cluster.upload(whole)).id, 'resize:100')
    expect((await cluster.end(bad)).task.fault?.code).toBe('corrupt_image')
    expect((await cluster.end(good)).kind).toBe('completed')
    expect(await childrenOf(running.pid)).toEqual(expect.arrayContaining(before))
  })

  test('of an earlier attempt counts: stored outputs are not rendered again', async () => {
    const image = await cluster.uploadSample(600, 400)
    const recipe = { steps: [], outputs: { a: { steps: [{ op: 'flip' }] }, b: { steps: [{ op: 'flop' }] } } }
    {
      await using _ = await processes.actor()
      await cluster.end(await cluster.submit(image, recipe))
    }
    // The state that an actor leaves when it dies between the first output and the second.
    const task = await cluster.submit(image, recipe, { job: false })
    const { queue, events, results } = cluster.adapters
    const write = await results.begin()
    await write.write(new TextEncoder().encode('of the first attempt'))
    const { info } = await write.commit(() => `${task.account}/${task.id}/main/a`)
    const output = { name: 'a', format: 'jpeg', mediaType: 'image/jpeg', width: 600, height: 400 } as const
    const last = await events.last(task.account, task.id)
    const left = { ...task, status: 'running', attempt: 1, progress: 75 } as const
    const made = { ...output, bytes: info.bytes, sha256: info.sha256 }
    await appendEvent(
      events,
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
    await using _ = await processes.actor()
    const end = await cluster.end(task)
    expect(end.task.outputs.map(({ name }) => name)).toEqual(['a', 'b'])
    expect(end.task.outputs[0]).toEqual(made)
    expect((await cluster.eventKinds(task)).filter((kind) => kind === 'output').length).toBe(2)
  })
})

describe('limits', () => {
  test('of memory: the worker is killed, the task fails, the next one works', async () => {
    await using running = await processes.actor({
      PIXELFLOW_WORKER_MAX_RSS: '128MiB',
      PIXELFLOW_ACTOR_CONCURRENCY: '1',
    })
    const before = await childrenOf(running.pid)
    const greedy = await cluster.submit(await cluster.uploadSample(6000, 4000), 'rotate:30')
    const { fault } = (await cluster.end(greedy)).task
    expect(fault).toMatchObject({ code: 'resource_limit_exceeded' })
    expect(fault?.detail).toContain('128 MiB')
    await waitForExit(before)
    const modest = await cluster.submit(await cluster.uploadSample(300, 200), 'flip')
    expect((await cluster.end(modest)).kind).toBe('completed')
  })

  test('of time: the same', async () => {
    await using running = await processes.actor({
      PIXELFLOW_TASK_TIMEOUT: '300ms',
      PIXELFLOW_ACTOR_CONCURRENCY: '1',
    })
    const before = await childrenOf(running.pid)
    const slow = await cluster.submit(await cluster.uploadSample(), 'resize:2000/format:avif:effort=9')
    const { fault } = (await cluster.end(slow)).task
    expect(fault).toMatchObject({ code: 'deadline_exceeded' })
    expect(fault?.detail).toContain('0.3 s')
    await waitForExit(before)
    const quick = await cluster.submit(await cluster.uploadSample(300, 200), 'flip')
    expect((await cluster.end(quick)).kind).toBe('completed')
  })

  test('of pixels', async () => {
    await using _ = await processes.actor({ PIXELFLOW_MAX_PIXELS: '1000000' })
    const large = await cluster.submit(await cluster.uploadSample(1001, 1000), 'resize:10')
    expect((await cluster.end(large)).task.fault?.code).toBe('too_many_pixels')
    const grown = await cluster.submit(await cluster.uploadSample(100, 100), 'resize:2000:enlarge=true')
    expect((await cluster.end(grown)).task.fault).toMatchObject({
      code: 'too_many_pixels',
      field: 'steps[0]',
    })
  })

  test('a photograph of 50 megapixels takes less than 1 GB in any process', async () => {
    await using running = await processes.actor()
    const image = (
      await cluster.upload(await sampleImage({ width: 8688, height: 5792, quality: 85, noise: 12 }))
    ).id
    const readLargest = async () => {
      const pids = [running.pid, ...(await childrenOf(running.pid))]
      return Math.max(...(await Promise.all(pids.map(residentBytes))))
    }
    const recipes = [
      'resize:2000/format:webp',
      'rotate:90/crop:100:100:5000:5000/resize:800',
      'blur:3',
      'flip',
    ]
    const peak = await measurePeak(readLargest, async () => {
      const tasks = await Promise.all(recipes.map((recipe) => cluster.submit(image, recipe)))
      for (const task of tasks) expect((await cluster.end(task, 60_000)).task.fault).toBeUndefined()
    })
    expect(peak / 2 ** 20).toBeGreaterThan(100)
    expect(peak).toBeLessThan(1e9)
  }, 90_000)
})

test('a large image with transparency stays within its memory estimate', async () => {
  await using running = await processes.actor({ PIXELFLOW_ACTOR_CONCURRENCY: '1' })
  const [width, height] = [5000, 4000]
  const pixels = Buffer.alloc(width * height * 4)
  for (let at = 0; at < pixels.length; at += 4) {
    pixels.writeUInt32LE(0x00_50_80_c0 + ((at >> 6) & 0xff) * 2 ** 24, at)
  }
  const raw = { width, height, channels: 4 } as const
  const image = await cluster.upload(await sharp(pixels, { raw }).png({ compressionLevel: 1 }).toBuffer())
  for (const recipe of ['resize:2500', 'sharpen', 'blur:1', 'resize:800']) {
    const { task } = await cluster.end(await cluster.submit(image.id, recipe), 60_000)
    expect(task.fault).toBeUndefined()
  }
  const peaks = await Promise.all((await childrenOf(running.pid)).map(peakBytes))
  expect(Math.max(...peaks)).toBeGreaterThan(width * height * 4)
  expect(Math.max(...peaks)).toBeLessThan(1.2 * estimateMemory({ bytes: image.bytes, width, height }))
}, 120_000)

test('invalid settings stop the start and are named', async () => {
  await using running = launch({
    command: [process.execPath, entry],
    env: { PIXELFLOW_TASK_TIMEOUT: 'soon', PIXELFLOW_LOG_FORMAT: 'json' },
  })
  expect(await running.exited).toBe(2)
  const line = await running.line(hasMessage('invalid settings'))
  expect(line).toContain('PIXELFLOW_TASK_TIMEOUT')
  expect(line).toContain('Give a duration')
})

test.each(['/proc/pixelflow', entry, tmpdir()])(
  'the shared cache %s is refused as a setting, and not changed',
  async (path) => {
    const { mode } = await stat(tmpdir())
    await using running = launch({
      command: [process.execPath, entry],
      env: { PIXELFLOW_SHARED_CACHE_DIR: path, PIXELFLOW_LOG_FORMAT: 'json' },
    })
    expect(await running.exited).toBe(2)
    const line = await running.line(hasMessage('invalid settings'))
    expect(JSON.parse(line)).toMatchObject({
      problems: [{ variable: `PIXELFLOW_SHARED_CACHE_DIR=${JSON.stringify(path)}` }],
    })
    expect((await stat(tmpdir())).mode).toBe(mode)
  },
)

test('a stop while the actor waits for the broker ends it at once', async () => {
  await using running = launch({
    command: [process.execPath, entry],
    env: { NATS_URL: `nats://127.0.0.1:${await freePort()}`, PIXELFLOW_LOG_FORMAT: 'json' },
  })
  await running.line(hasMessage('starting'))
  // By then it retries the connection.
  await Bun.sleep(300)
  running.signal('SIGTERM')
  expect(await running.exited).toBe(0)
}, 5000)
