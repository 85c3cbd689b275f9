import { measureReads } from '../reads/measure-reads.ts'
import { startWithTasks } from '../reads/start-with-tasks.ts'
import type { CurveValues } from './curve.ts'

/** Gets and lists a second with many tasks in the read model. */
export async function measureReadModel(tasks: number, isQuick: boolean): Promise<CurveValues> {
  await using stack = await startWithTasks(tasks)
  const { get, list } = await measureReads(stack.gateway, stack.ids, 3, isQuick)
  return { get: get.perSecond, list: list.perSecond }
}
