import { expect, test } from 'bun:test'
import { readdir, readlink } from 'node:fs/promises'
import { basename, dirname } from 'node:path'
import { measurePeak } from '@pixelflow/testkit/measure-peak'
import { childrenOf, residentBytes, hasMessage, type RunningProcess } from '@pixelflow/testkit/process'
import { stays, waitFor } from '@pixelflow/testkit/wait-for'
import { useActorProcesses, type ActorProcesses } from './testing/actor-processes.ts'
import type { ActorCluster } from './testing/actor-cluster.ts'

/** The limits of a shipped actor's workers, as the kernel and the log show them. */

const MiB = 2 ** 20

let cluster: ActorCluster
let processes: ActorProcesses
useActorProcesses((...opened) => ([cluster, processes] = opened))

interface Ready {
  readonly bounds: Readonly<Record<string, string>>
}

const readyOf = async (running: RunningProcess): Promise<Ready> =>
  JSON.parse(await running.line(hasMessage('ready'))) as Ready
const proc = (pid: number, name: string) => Bun.file(`/proc/${pid}/${name}`).text()

test('a worker has an empty environment, the resource limits, and the bounds that its actor logs', async () => {
  await using running = await processes.actor({ PIXELFLOW_WORKER_MAX_RSS: '300MiB' })
  const { bounds } = await readyOf(running)
  expect(bounds).toMatchObject({
    memory: expect.stringMatching(/^300 MiB each, \d+ MiB all$/),
    time: '120 s, 120 s of processor time',
    files: '256 open, 300 MiB each',
    environment: 'empty',
  })
  const workers = await childrenOf(running.pid)
  expect(workers.length).toBeGreaterThan(0)
  const homes = new Set<string>()
  for (const pid of workers) {
    const names = (await proc(pid, 'environ')).split('\0').map((line) => line.split('=')[0])
    const known = [
      'NODE_ENV',
      'VIPS_BLOCK_UNTRUSTED',
      'MALLOC_ARENA_MAX',
      'MIMALLOC_PURGE_HOLES_MIN_INTERVAL',
      'TMPDIR',
      'PWD',
      '',
    ]
    expect(names.filter((name = '') => !known.includes(name) && !name.startsWith('NODE_CHANNEL_'))).toEqual(
      [],
    )

    const limits = await proc(pid, 'limits')
    const limit = (what: string) => new RegExp(`^Max ${what} +(\\S+) +(\\S+)`, 'm').exec(limits)?.slice(1, 3)
    expect(limit('open files')).toEqual(['256', '256'])
    expect(limit('file size')).toEqual([String(300 * MiB), String(300 * MiB)])
    expect(limit('core file size')).toEqual(['0', '0'])

    const status = await proc(pid, 'status')
    const privileges = /^NoNewPrivs:\s+(\d)/m.exec(status)?.[1]
    expect(privileges).toBe(bounds['parent']?.includes('no new privileges') ? '1' : '0')
    const isAlone = (await readlink(`/proc/${pid}/ns/net`)) !== (await readlink('/proc/self/ns/net'))
    expect(isAlone).toBe(bounds['network'] === 'none')

    const own = await readlink(`/proc/${pid}/cwd`)
    expect(dirname(dirname(own))).toBe(processes.scratchDir)
    expect(await readdir(own)).toEqual([])
    homes.add(basename(own))
  }
  expect(homes.size).toBe(workers.length)
}, 30_000)

test('large images wait for each other when their memory estimates exceed the budget', async () => {
  await using running = await processes.actor({
    PIXELFLOW_ACTOR_CONCURRENCY: '3',
    // Enough for one of them at a time: 96 MiB for a worker and 12 bytes per pixel.
    PIXELFLOW_WORKER_MEMORY: '450MiB',
  })
  const held = async () =>
    (await Promise.all((await childrenOf(running.pid)).map(residentBytes))).reduce((sum, one) => sum + one, 0)
  const idle = await held()
  const giant = await cluster.uploadSample(6000, 4500)
  const peak = await measurePeak(held, async () => {
    const tasks = [
      await cluster.submit(giant, 'rotate:30/resize:100'),
      await cluster.submit(giant, 'rotate:31/resize:100'),
      await cluster.submit(giant, 'rotate:32/resize:100'),
    ]
    for (const task of tasks) expect((await cluster.end(task, 60_000)).kind).toBe('completed')
  })
  expect((peak - idle) / MiB).toBeLessThan(450)
  // Proves that the images need much memory.
  expect((peak - idle) / MiB).toBeGreaterThan(150)
}, 90_000)

test('an actor whose workers keep crashing opens its circuit breaker and leaves work to other actors', async () => {
  await using broken = await processes.actor({ PIXELFLOW_ACTOR_CONCURRENCY: '2' })
  const usedBefore = new Map<number, string>()
  const killIdleWorkers = async () => {
    for (const pid of await childrenOf(broken.pid)) {
      // Only idle warm workers are killed: the end of a starting worker does not count as a crash.
      const used = (await proc(pid, 'stat').catch(() => '')).split(' ').slice(13, 15).join(' ')
      const isReady = used !== '' && usedBefore.get(pid) === used && (await residentBytes(pid)) > 50 * MiB
      usedBefore.set(pid, used)
      if (isReady) process.kill(pid, 'SIGKILL')
    }
    // The time over which a worker must not have used the processor to count as idle.
    await Bun.sleep(100)
    return broken.lines.find(hasMessage('circuit breaker opened'))
  }
  const line = await waitFor('circuit breaker opened', killIdleWorkers, Boolean, { timeoutMs: 90_000 })
  expect(JSON.parse(line ?? '')).toMatchObject({
    level: 'error',
    maxCrashes: 20,
    windowMs: 60_000,
    openMs: 30_000,
  })

  const task = await cluster.submit(await cluster.uploadSample(300, 200), 'flip')
  await stays('task not started', async () => (await cluster.history(task)).length === 1, 500)
  expect(await cluster.eventKinds(task)).toEqual(['queued'])
  await using _ = await processes.actor({ PIXELFLOW_ACTOR_CONCURRENCY: '1' })
  const end = await cluster.end(task)
  expect([end.kind, end.task.attempt]).toEqual(['completed', 1])
}, 120_000)
