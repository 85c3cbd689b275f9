import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startStack } from '@pixelflow/testkit/stack'
import { waitFor } from '@pixelflow/testkit/wait-for'
import { computeMedian } from '../compute-median.ts'
import { measureCpu } from '../measure-cpu.ts'
import { measureGetRate } from '../reads/measure-get-rate.ts'
import { startServerProgram } from '../start-server-program.ts'
import { openTaskWriter } from '../tasks/open-task-writer.ts'
import type { Part } from './part.ts'

/** Requests of each round. */
const requests = { get: 8000, list: 1500 }
type Read = keyof typeof requests
const limits: Readonly<Record<Read, string>> = {
  get: 'at least 0.25, goal 0.5',
  list: 'at least 0.1, goal 0.2',
}

/** Compares getting a task and listing tasks, among many tasks, with bare routes that answer with the same bytes. */
export const readsPart: Part = async ({ options, print }) => {
  await using scope = new AsyncDisposableStack()
  const stack = scope.use(await startStack({ env: { PIXELFLOW_LOG_LEVEL: 'info' } }))
  const gateway = await stack.gateway()
  const writer = scope.use(await openTaskWriter(stack.nats))
  const ids = await writer.createCompleted(options.tasks)
  await waitFor(
    'all tasks read by the gateway',
    async () => {
      const newest = await fetch(`${gateway.url}/api/v1/tasks/${ids.at(-1)}`)
      await newest.body?.cancel()
      return newest.status === 200
    },
    Boolean,
    { timeoutMs: 120_000 },
  )
  const listPath = '/api/v1/tasks?limit=50'
  const readText = async (path: string) => (await fetch(`${gateway.url}${path}`)).text()
  const bodies = { '/get': await readText(`/api/v1/tasks/${ids[0]}`), '/list': await readText(listPath) }
  const folder = await mkdtemp(join(tmpdir(), 'pixelflow-reads-'))
  scope.defer(() => rm(folder, { recursive: true, force: true }))
  await Bun.write(join(folder, 'bodies.json'), JSON.stringify(bodies))
  const bare = scope.use(await startServerProgram('reads/bare-server.ts', [join(folder, 'bodies.json')]))
  print(
    `${ids.length} tasks; a task has ${bodies['/get'].length} bytes, a page of 50 ${bodies['/list'].length} bytes; no compression`,
  )

  const pathOf: Readonly<Record<Read, (serial: number) => string>> = {
    // A prime step visits tasks of all ages.
    get: (serial) => `/api/v1/tasks/${ids[(serial * 7919) % ids.length]}`,
    list: () => listPath,
  }
  const measure = async (read: Read, pid: number, url: string, path: (serial: number) => string) => {
    const count = options.isQuick ? requests[read] / 10 : requests[read]
    const { result, cpuMs } = await measureCpu({ server: pid }, () => measureGetRate(url, count, path))
    return { perSecond: result, cpuMs: (cpuMs['server'] ?? 0) / count }
  }
  const report: Record<string, unknown> = {}
  for (const read of ['get', 'list'] as const) {
    const bareUrl = `http://127.0.0.1:${bare.port}`
    const ownRound = () => measure(read, gateway.pid, gateway.url, pathOf[read])
    const bareRound = () => measure(read, bare.pid, bareUrl, () => `/${read}`)
    await ownRound()
    await bareRound()
    const rows = []
    for (let round = 0; round < options.rounds; round += 1)
      rows.push({ own: await ownRound(), bare: await bareRound() })
    const row = {
      perSecond: computeMedian(rows.map(({ own }) => own.perSecond)),
      barePerSecond: computeMedian(rows.map((one) => one.bare.perSecond)),
      toBare: computeMedian(rows.map((one) => one.own.perSecond / one.bare.perSecond)),
      cpuMs: computeMedian(rows.map(({ own }) => own.cpuMs)),
      bareCpuMs: computeMedian(rows.map((one) => one.bare.cpuMs)),
    }
    report[read] = row
    print(
      `${read.padEnd(4)} ${row.perSecond.toFixed(0)}/s ÷ bare route ${row.barePerSecond.toFixed(0)}/s = ${row.toBare.toFixed(2)}   (${limits[read]}); ` +
        `CPU ${(row.cpuMs * 1000).toFixed(0)} µs, bare ${(row.bareCpuMs * 1000).toFixed(0)} µs`,
    )
  }
  return { reads: { tasks: ids.length, ...report } }
}
