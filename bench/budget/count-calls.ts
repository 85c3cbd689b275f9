import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startStack } from '@pixelflow/testkit/stack'
import { measureRate } from '../measure-rate.ts'
import { countTo } from '../preload/observation.ts'
import { combineCounts, readCallCounts, type CallCounts } from '../preload/call-counts.ts'
import { processStoredImage } from '../process-stored-image.ts'
import { makeDistinct } from '../sample-photo.ts'
import type { Work } from '../works/work.ts'

const inFlight = 4
/** Tasks before the counted ones, which start connections, workers and caches. */
const firstTasks = 20

/** The calls of a task by process, counted in a stack of its own with instrumented processes. */
export async function countCalls(
  work: Work,
  source: Uint8Array,
): Promise<Record<string, Omit<CallCounts, 'at'>>> {
  const folder = await mkdtemp(join(tmpdir(), 'pixelflow-counts-'))
  await using scope = new AsyncDisposableStack()
  scope.defer(() => rm(folder, { recursive: true, force: true }))
  const observation = countTo(folder)
  const stack = scope.use(await startStack({ env: { PIXELFLOW_LOG_LEVEL: 'info' }, hasSharedCache: true }))
  const [gateway] = await Promise.all([
    stack.gateway({ env: observation.gateway }),
    stack.actor({ env: observation.actor }),
  ])
  const tasks = work.tasks.round
  const run = (count: number, from: number) =>
    measureRate(count, inFlight, (serial) =>
      processStoredImage(gateway.url, makeDistinct(source, from + serial), `resize:${work.resultWidth}`),
    )
  await run(firstTasks, 0)
  const before = await readCallCounts(folder)
  await run(tasks, firstTasks)
  const after = await readCallCounts(folder)
  return Object.fromEntries(
    Object.entries(after).map(([role, end]) => {
      const start = before[role] ?? combineCounts(end, end, () => 0)
      const { at: _, ...perTask } = combineCounts(end, start, (one, other) => (one - other) / tasks)
      return [role, perTask]
    }),
  )
}
