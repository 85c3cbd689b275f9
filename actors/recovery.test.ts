import { describe, expect, test } from 'bun:test'
import type { Task } from '@pixelflow/core/task'
import { childrenOf, waitForExit } from '@pixelflow/testkit/process'
import { entry, slowRecipe, useActorProcesses, type ActorProcesses } from './testing/actor-processes.ts'
import { waitForBusyWorker } from './testing/wait-for-busy-worker.ts'
import type { ActorCluster } from './testing/actor-cluster.ts'

/** Tasks whose work, actor or broker ends early. */

let cluster: ActorCluster
let processes: ActorProcesses
useActorProcesses((...opened) => ([cluster, processes] = opened))

describe('work that ends early', () => {
  test('by cancelling: the worker exits within a second', async () => {
    await using running = await processes.actor({ PIXELFLOW_ACTOR_CONCURRENCY: '1' })
    const workers = await childrenOf(running.pid)
    const task = await cluster.submit(await cluster.uploadSample(), slowRecipe)
    await waitForBusyWorker(workers)
    const cancelledAt = performance.now()
    await cluster.cancel(task)
    await waitForExit(workers)
    expect(performance.now() - cancelledAt).toBeLessThan(1000)
    const next = await cluster.submit(await cluster.uploadSample(300, 200), 'flip')
    expect((await cluster.end(next)).kind).toBe('completed')
    expect((await cluster.eventKinds(task)).at(-1)).toBe('cancelled')
  })

  test('by kill -9 of the process: another completes the task, once, and removes its files', async () => {
    const first = await processes.actor()
    const task = await cluster.submit(await cluster.uploadSample(), slowRecipe)
    await cluster.waitForEvent(task, 'fetched')
    const workers = await childrenOf(first.pid)
    expect(workers.length).toBeGreaterThan(0)
    first.signal('SIGKILL')
    await first.exited
    await waitForExit(workers)
    expect((await processes.scratch()).length).toBe(1)
    await using second = await processes.actor()
    expect(await processes.scratch()).toEqual([expect.stringContaining(`~${second.pid}~`)])
    const last = await cluster.end(task)
    expect(last.task).toMatchObject({ status: 'completed', attempt: 2 })
    expect((await cluster.output(task)).length).toBe(last.task.outputs[0]?.bytes as number)
  }, 60_000)

  test('by kill -9 every time: the task fails with attempts_exhausted', async () => {
    const first = await processes.actor({ PIXELFLOW_TASK_ATTEMPTS: '1' })
    const task = await cluster.submit(await cluster.uploadSample(), slowRecipe)
    await cluster.waitForEvent(task, 'started')
    first.signal('SIGKILL')
    await first.exited
    await using _ = await processes.actor({ PIXELFLOW_TASK_ATTEMPTS: '1' })
    expect((await cluster.end(task)).task.fault?.code).toBe('attempts_exhausted')
  }, 60_000)

  test('by SIGTERM: running work is finished, no files stay', async () => {
    const running = await processes.actor()
    const task = await cluster.submit(await cluster.uploadSample(), slowRecipe)
    await cluster.waitForEvent(task, 'fetched')
    const workers = await childrenOf(running.pid)
    running.signal('SIGTERM')
    expect(await running.exited).toBe(0)
    expect((await cluster.end(task)).task).toMatchObject({ status: 'completed', attempt: 1 })
    expect(await processes.scratch()).toEqual([])
    await waitForExit(workers)
  }, 30_000)

  test('by SIGTERM with too little time: the job returns to the queue at once', async () => {
    const running = await processes.actor({ PIXELFLOW_DRAIN_TIMEOUT: '1600ms' })
    const image = await cluster.uploadSample(6000, 4000)
    const task = await cluster.submit(image, 'blur:250/format:avif:effort=9')
    await cluster.waitForEvent(task, 'fetched')
    const stoppedAt = performance.now()
    running.signal('SIGTERM')
    expect(await running.exited).toBe(0)
    expect(performance.now() - stoppedAt).toBeLessThan(1700)
    expect(await processes.scratch()).toEqual([])
    const lease = await cluster.adapters.jobConsumer.next('transform', AbortSignal.timeout(2000))
    // An attempt that a stop ended does not count.
    expect(lease).toMatchObject({ attempt: 1, job: { task: task.id } })
    await cluster.cancel(task)
    await lease?.done()
  }, 30_000)

  test('by the end of the parent, noticed through standard input', async () => {
    const env = {
      ...process.env,
      ...cluster.nats.env,
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
    await using _ = await processes.actor()
    const tasks = await Promise.all(
      [1, 2, 3].map(async () => cluster.submit(await cluster.uploadSample(), slowRecipe)),
    )
    await cluster.waitForEvent(tasks[0] as Task, 'started')
    await cluster.nats.kill9()
    // The time without a broker.
    await Bun.sleep(700)
    await cluster.nats.restart()
    for (const task of tasks) expect((await cluster.end(task, 60_000)).kind).toBe('completed')
  }, 90_000)
})
