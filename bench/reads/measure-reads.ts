import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { GatewayProcess } from '@pixelflow/testkit/stack'
import { computeMedian } from '../compute-median.ts'
import { measureCpu } from '../measure-cpu.ts'
import { startServerProgram } from '../start-server-program.ts'
import { measureGetRate } from './measure-get-rate.ts'

/** Requests of each round. */
const requests = { get: 8000, list: 1500 }
type Read = keyof typeof requests
const listPath = '/api/v1/tasks?limit=50'

export interface ReadsReport {
  /** Tasks in the read model. */
  readonly tasks: number
  readonly get: ReadReport
  readonly list: ReadReport
}

export interface ReadReport {
  readonly bytes: number
  readonly perSecond: number
  readonly barePerSecond: number
  /** Median of the ratios of the rounds. */
  readonly toBare: number
  /** CPU milliseconds of a request in the server. */
  readonly cpuMs: number
  readonly bareCpuMs: number
}

/** Compares getting one of the tasks and listing the newest 50 with bare Elysia routes that answer with the same bytes. */
export async function measureReads(
  gateway: GatewayProcess,
  ids: readonly string[],
  rounds: number,
  isQuick: boolean,
): Promise<ReadsReport> {
  await using scope = new AsyncDisposableStack()
  const readText = async (path: string) => (await fetch(`${gateway.url}${path}`)).text()
  const bodies = { get: await readText(`/api/v1/tasks/${ids[0]}`), list: await readText(listPath) }
  const folder = await mkdtemp(join(tmpdir(), 'pixelflow-reads-'))
  scope.defer(() => rm(folder, { recursive: true, force: true }))
  const file = join(folder, 'bodies.json')
  await Bun.write(file, JSON.stringify({ '/get': bodies.get, '/list': bodies.list }))
  const bare = scope.use(await startServerProgram('reads/bare-server.ts', [file]))
  const pathOf: Readonly<Record<Read, (serial: number) => string>> = {
    // A prime step visits tasks of all ages.
    get: (serial) => `/api/v1/tasks/${ids[(serial * 7919) % ids.length]}`,
    list: () => listPath,
  }

  const measure = async (read: Read, pid: number, url: string, path: (serial: number) => string) => {
    const count = isQuick ? requests[read] / 10 : requests[read]
    const { result, cpuMs } = await measureCpu({ server: pid }, () => measureGetRate(url, count, path))
    return { perSecond: result, cpuMs: (cpuMs['server'] ?? 0) / count }
  }
  const compare = async (read: Read): Promise<ReadReport> => {
    const ownRound = () => measure(read, gateway.pid, gateway.url, pathOf[read])
    const bareRound = () => measure(read, bare.pid, `http://127.0.0.1:${bare.port}`, () => `/${read}`)
    await ownRound()
    await bareRound()
    const rows = []
    for (let round = 0; round < rounds; round += 1)
      rows.push({ own: await ownRound(), bare: await bareRound() })
    return {
      bytes: bodies[read].length,
      perSecond: computeMedian(rows.map(({ own }) => own.perSecond)),
      barePerSecond: computeMedian(rows.map((row) => row.bare.perSecond)),
      toBare: computeMedian(rows.map((row) => row.own.perSecond / row.bare.perSecond)),
      cpuMs: computeMedian(rows.map(({ own }) => own.cpuMs)),
      bareCpuMs: computeMedian(rows.map((row) => row.bare.cpuMs)),
    }
  }
  return { tasks: ids.length, get: await compare('get'), list: await compare('list') }
}
