import type { TaskPageView } from '@pixelflow/core/views'
import { openAccountClient, type AccountClient } from '@pixelflow/gateway/testing/account-client'
import { startFloodProcesses, type FloodProcesses } from '@pixelflow/gateway/testing/flood-processes'
import { maxResidentBytes, watchResidentBytes } from '@pixelflow/gateway/testing/watch-resident-bytes'
import { hasMessage } from '@pixelflow/testkit/process'
import { startStack } from '@pixelflow/testkit/stack'
import { waitFor } from '@pixelflow/testkit/wait-for'
import { measureCpu } from '../measure-cpu.ts'
import { computePercentile } from '../compute-median.ts'
import type { Part } from './part.ts'

const flooding = 'flooding'
const other = 'other'
const limit = 3
const MiB = 2 ** 20
/** Duration of each turn. */
const turnMs = 30_000
/** Floods end after this time if this process is killed. */
const longestFloodSeconds = 600

const kinds = ['process', 'task', 'list', 'version', 'getTask'] as const satisfies (keyof AccountClient)[]
const names: Record<(typeof kinds)[number], string> = {
  process: 'synchronous call',
  task: 'task until its end',
  list: 'list of tasks',
  version: 'GetVersion, new connection',
  getTask: 'GetTask, new connection',
}
const turns = ['calm', 'floods', 'floods at nice 19'] as const
type Turn = (typeof turns)[number]

/**
 * Measures the calls of one account, in turns without load (calm) and during all floods of another account. Each
 * connection and call of the floods is repeated as soon as the gateway's `Retry-After` allows. The floods run on the same
 * machine; at nice 19 they use only idle CPU time, which separates their own use from the work that they cause.
 */
export const floodsPart: Part = async ({ options, print }) => {
  const tokens = [flooding, other].map((name) => `${name}:secret-of-${name}`).join(',')
  await using stack = await startStack({
    env: { PIXELFLOW_API_TOKENS: tokens, PIXELFLOW_LOG_LEVEL: 'info' },
  })
  const [gateway, actor] = await Promise.all([stack.gateway(), stack.actor()])
  const { grpc } = JSON.parse(await gateway.line(hasMessage('ready'))) as { grpc: string }
  const caller = await openAccountClient(gateway.url, grpc, `secret-of-${other}`)
  const pids = { gateway: gateway.pid, actors: actor.pid, 'nats-server': stack.nats.pid }
  const tookMs: Record<Turn, Record<string, number[]>> = { calm: {}, floods: {}, 'floods at nice 19': {} }
  const cpu: Record<Turn, Record<string, number>> = { calm: {}, floods: {}, 'floods at nice 19': {} }
  const sent: Record<string, number> = {}
  let failed = 0
  let peakBytes = 0

  const measure = async (turn: Turn, isOver: (rounds: number) => boolean) => {
    for (let at = 0; !isOver(at); at += 1) {
      for (const kind of kinds) {
        const startedAt = performance.now()
        await caller[kind]().catch((error: unknown) => {
          failed += 1
          print(`${turn}: ${kind} failed: ${String(error).slice(0, 200)}`)
        })
        ;(tookMs[turn][kind] ??= []).push(performance.now() - startedAt)
      }
    }
  }
  const takeTurn = async (turn: Turn) => {
    let flood: FloodProcesses | undefined
    if (turn !== 'calm') {
      flood = await startFloodProcesses({
        url: gateway.url,
        grpcAddress: grpc,
        token: `secret-of-${flooding}`,
        seconds: longestFloodSeconds,
        isNice: turn !== 'floods',
      })
    }
    await using _ = flood
    const memory = watchResidentBytes(gateway.pid)
    const startedAt = performance.now()
    const { cpuMs } = await measureCpu({ ...pids, ...flood?.pids }, () =>
      measure(turn, () => performance.now() - startedAt >= turnMs),
    )
    const seconds = (performance.now() - startedAt) / 1000
    const bytes = await memory.stop()
    if (flood) peakBytes = Math.max(peakBytes, bytes)
    const isFlood = (name: string) => name in (flood?.pids ?? {})
    for (const [name, ms] of Object.entries(cpuMs)) {
      const group = isFlood(name) ? 'floods' : name
      cpu[turn][group] = (cpu[turn][group] ?? 0) + ms / 1000 / seconds / options.rounds
    }
    for (const [name, count] of Object.entries((await flood?.stop()) ?? {}))
      sent[name] = (sent[name] ?? 0) + count
    // The next turn begins without tasks.
    await waitFor('all tasks cancelled', () => cancelAll(gateway.url), Boolean, { timeoutMs: 60_000 })
    const p99s = kinds.map(
      (kind) => `${kind} ${computePercentile(tookMs[turn][kind] ?? [], 0.99).toFixed(0)}`,
    )
    print(`${turn}, ${seconds.toFixed(0)} s; p99 so far in ms: ${p99s.join(', ')}`)
  }

  await measure('calm', (rounds) => rounds >= options.warmUp)
  tookMs.calm = {}
  for (let round = 0; round < options.rounds; round += 1) for (const turn of turns) await takeTurn(turn)

  const calls = turns.map((turn) => tookMs[turn]['list']?.length ?? 0)
  print(`sequential calls of a second account: ${calls.join(', ')} of each kind; milliseconds`)
  print(
    `  ${''.padEnd(32)}${turns.map((turn) => turn.padStart(22)).join('')}   p99 ÷ calm (at most ${limit})`,
  )
  const ratios: Record<string, Record<string, number>> = {}
  for (const kind of kinds) {
    const [p50, p99] = [0.5, 0.99].map((part) =>
      Object.fromEntries(turns.map((turn) => [turn, computePercentile(tookMs[turn][kind] ?? [], part)])),
    ) as [Record<Turn, number>, Record<Turn, number>]
    ratios[kind] = Object.fromEntries(turns.slice(1).map((turn) => [turn, p99[turn] / p99.calm]))
    const columns = turns.map((turn) =>
      `p50 ${p50[turn].toFixed(0)} p99 ${p99[turn].toFixed(0)}`.padStart(22),
    )
    const ratioTexts = Object.values(ratios[kind]).map((ratio) => ratio.toFixed(1))
    print(`  ${names[kind].padEnd(32)}${columns.join('')}   ${ratioTexts.join(', ')}`)
  }
  print(`calls that failed: ${failed}   (at most 0)`)
  print(`gateway: peak ${(peakBytes / MiB).toFixed(0)} MiB resident   (at most ${maxResidentBytes / MiB})`)
  for (const turn of turns) {
    const shares = Object.entries(cpu[turn]).map(([name, cores]) => `${name} ${cores.toFixed(2)}`)
    print(`cores in use, ${turn}: ${shares.join(', ')}`)
  }
  print('The floods run on this machine and compete for its cores, except at nice 19.')
  return {
    floodsTookMs: tookMs,
    floodsP99ToCalm: ratios,
    floodsFailed: failed,
    floodsGatewayBytes: peakBytes,
    floodsCores: cpu,
    floodsSent: sent,
  }
}

/** Cancels the unfinished tasks of the flooding account; true when it has none. */
async function cancelAll(url: string): Promise<boolean> {
  const headers = { authorization: `Bearer secret-of-${flooding}` }
  const pages = ['running', 'queued'].map(async (status) => {
    const answer = await fetch(`${url}/api/v1/tasks?status=${status}`, { headers })
    return ((await answer.json()) as TaskPageView).items
  })
  const tasks = (await Promise.all(pages)).flat()
  const cancel = (id: string) => fetch(`${url}/api/v1/tasks/${id}/cancel`, { method: 'POST', headers })
  // A task that has ended meanwhile cannot be cancelled.
  await Promise.all(tasks.map(async ({ id }) => (await cancel(id)).body?.cancel()))
  return tasks.length === 0
}
