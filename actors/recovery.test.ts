import { describe, expect, test } from 'bun:test'
import type { Task } from '@pixelflow/core/task'
import { childrenOf, residentBytes } from '@pixelflow/testkit/process'
import { entry, gone, heavy, inHome, photograph, type ActorHome } from './testing/actor-processes.ts'
import type { House } from './testing/actor-cluster.ts'

/** Every way in which work, its process or its broker may come to an end too early: what becomes of the task. */

let house: House
let home: ActorHome
inHome((...opened) => ([house, home] = opened))

const kindsOf = async (task: Task) => (await house.history(task)).map(({ event }) => event.kind)

describe('an end before the end', () => {
  test('by cancelling: the child is gone within a second', async () => {
    await using running = await home.actor({ PIXELFLOW_ACTOR_CONCURRENCY: '1' })
    const [child] = await childrenOf(running.pid)
    const task = await house.submit(await photograph(house), heavy)
    await house.until(task, ({ kind }) => kind === 'fetched')
    await Bun.sleep(100)
    const began = performance.now()
    await house.cancel(task)
    while ((await residentBytes(child ?? 0)) > 0) await Bun.sleep(5)
    expect(performance.now() - began).toBeLessThan(1000)
    const next = await house.submit(await photograph(house, 300, 200), 'flip')
    expect((await house.end(next)).kind).toBe('completed')
    expect((await kindsOf(task)).at(-1)).toBe('cancelled')
  })

  test('by kill -9 of the process: another completes the task, once, and sweeps up', async () => {
    const first = await home.actor()
    const task = await house.submit(await photograph(house), heavy)
    await house.until(task, ({ kind }) => kind === 'fetched')
    const children = await childrenOf(first.pid)
    expect(children.length).toBe(2)
    first.signal('SIGKILL')
    await first.exited
    expect(await gone(children)).toBe(true)
    expect((await home.scratch()).length).toBe(1)
    await using second = await home.actor()
    expect(await home.scratch()).toEqual([expect.stringContaining(`~${second.pid}~`)])
    const last = await house.end(task)
    expect(last.task).toMatchObject({ status: 'completed', attempt: 2 })
    expect((await house.output(task)).length).toBe(last.task.outputs[0]?.bytes as number)
  }, 60_000)

  test('by kill -9 every time: the task fails with attempts_exhausted', async () => {
    const first = await home.actor({ PIXELFLOW_TASK_ATTEMPTS: '1' })
    const task = await house.submit(await photograph(house), heavy)
    await house.until(task, ({ kind }) => kind === 'started')
    first.signal('SIGKILL')
    await first.exited
    await using _ = await home.actor({ PIXELFLOW_TASK_ATTEMPTS: '1' })
    expect((await house.end(task)).task.fault?.code).toBe('attempts_exhausted')
  }, 60_000)

  test('by SIGTERM: what runs is finished, nothing stays', async () => {
    const running = await home.actor()
    const task = await house.submit(await photograph(house), heavy)
    await house.until(task, ({ kind }) => kind === 'fetched')
    const children = await childrenOf(running.pid)
    running.signal('SIGTERM')
    expect(await running.exited).toBe(0)
    expect((await house.end(task)).task).toMatchObject({ status: 'completed', attempt: 1 })
    expect(await home.scratch()).toEqual([])
    expect(await gone(children)).toBe(true)
  }, 30_000)

  test('by SIGTERM with too little time: the job goes to somebody else at once', async () => {
    const running = await home.actor({ PIXELFLOW_DRAIN_TIMEOUT: '1600ms' })
    const image = await photograph(house, 6000, 4000)
    const task = await house.submit(image, 'blur:250/format:avif:effort=9')
    await house.until(task, ({ kind }) => kind === 'fetched')
    const began = performance.now()
    running.signal('SIGTERM')
    expect(await running.exited).toBe(0)
    expect(performance.now() - began).toBeLessThan(1700)
    expect(await home.scratch()).toEqual([])
    const lease = await house.adapters.work.next('transform', AbortSignal.timeout(2000))
    // Being told to stop is nobody's fault: the attempt does not count.
    expect(lease).toMatchObject({ attempt: 1, job: { task: task.id } })
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
    const child = Bun.spawn([process.execPath, entry], {
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
    await using _ = await home.actor()
    const tasks = await Promise.all([1, 2, 3].map(async () => house.submit(await photograph(house), heavy)))
    await house.until(tasks[0] as Task, ({ kind }) => kind === 'started')
    await house.nats.kill9()
    await Bun.sleep(700)
    await house.nats.restart()
    for (const task of tasks) expect((await house.end(task, 60_000)).kind).toBe('completed')
  }, 90_000)
})
