import { startStack } from '@pixelflow/testkit/stack'
import { openTrafficReader, trafficBetween } from '../broker/open-traffic-reader.ts'
import { listProcesses } from '../footprint/list-processes.ts'
import { descendantsOf, measureCpu, processAlone, processTree } from '../measure-cpu.ts'
import { measureRate } from '../measure-rate.ts'
import { processStoredImage } from '../process-stored-image.ts'
import { makeDistinct } from '../sample-photo.ts'
import type { Work } from '../works/work.ts'
import { countCalls } from './count-calls.ts'
import { countSystemCalls, groupSystemCalls } from './count-system-calls.ts'
import { measureStages } from './measure-stages.ts'
import { readFileBytes, type FileTraffic } from './read-file-bytes.ts'
import type { ProcessBudget, TaskBudget } from './task-budget.ts'

const inFlight = 4
const stageTasks = 20

/**
 * Measures what a task costs in each process, warm: first without any instrument, then traced by strace, then with counters in the
 * processes.
 */
export async function measureBudget(work: Work, source: Uint8Array): Promise<TaskBudget> {
  const { warmUp, round } = work.tasks
  const recipe = `resize:${work.resultWidth}`
  await using stack = await startStack({ env: { PIXELFLOW_LOG_LEVEL: 'info' }, hasSharedCache: true })
  const [gateway, actor] = await Promise.all([stack.gateway(), stack.actor()])
  let serial = 0
  const run = (count: number) =>
    measureRate(count, inFlight, () =>
      processStoredImage(gateway.url, makeDistinct(source, (serial += 1)), recipe),
    )
  await run(warmUp)

  const workers = (await listProcesses(actor.pid, 'up'))
    .filter(({ pid }) => pid !== actor.pid)
    .map(({ pid }) => pid)
  const pids: Record<string, number[]> = {
    gateway: [gateway.pid],
    actor: [actor.pid],
    workers,
    'nats-server': [stack.nats.pid],
  }
  const readAllFileBytes = async () =>
    Object.fromEntries(
      await Promise.all(
        Object.entries(pids).map(async ([name, group]) => [name, await readFileBytes(group)] as const),
      ),
    )
  await using traffic = await openTrafficReader(stack.nats)
  const before = { traffic: await traffic.read(), files: await readAllFileBytes() }
  const sources = {
    gateway: processTree(gateway.pid),
    actor: processAlone(actor.pid),
    workers: descendantsOf(actor.pid),
    'nats-server': processTree(stack.nats.pid),
  }
  const { cpuMs } = await measureCpu(sources, () => run(round))
  const files = await readAllFileBytes()
  const messages = trafficBetween(before.traffic, await traffic.read(), round)

  const distinct = Array.from({ length: stageTasks }, () => makeDistinct(source, (serial += 1)))
  const stages = await measureStages(gateway.url, distinct, recipe)
  const traced = Math.ceil(round / 4)
  const systemCalls = await countSystemCalls(pids, async () => void (await run(traced)))
  const calls = await countCalls(work, source)

  const budgetOf = (name: string): ProcessBudget => ({
    cpuMs: (cpuMs[name] ?? 0) / round,
    ...(messages[name] && { traffic: messages[name] }),
    fileBytes: differ(files[name], before.files[name], round),
    ...(calls[name] && { calls: calls[name] }),
    ...(systemCalls?.[name] && { systemCalls: groupSystemCalls(systemCalls[name], traced) }),
  })
  return {
    title: work.title,
    sourceBytes: source.length,
    processes: Object.fromEntries(Object.keys(pids).map((name) => [name, budgetOf(name)])),
    stages,
  }
}

function differ(after: FileTraffic | undefined, before: FileTraffic | undefined, tasks: number): FileTraffic {
  return {
    read: ((after?.read ?? 0) - (before?.read ?? 0)) / tasks,
    written: ((after?.written ?? 0) - (before?.written ?? 0)) / tasks,
  }
}
