import { taskRef } from '@pixelflow/core/inputs'
import type { Principal } from '@pixelflow/core/principal'
import { taskView, viewTask, type TaskView } from '@pixelflow/core/views'
import { ImageService } from '@pixelflow/proto/pixelflow/v1/image_pb'
import { declareCall } from '../calls/declare-call.ts'
import { completedExample } from '../calls/examples.ts'
import type { Ports } from '../ports.ts'
import { shareHeadReads } from '../readmodel/share-head-reads.ts'
import { findTask } from './find-task.ts'

/** The current state of a task. */
export const getTask = declareCall({
  name: 'getTask',
  tag: 'tasks',
  summary: 'Get a task',
  http: { method: 'GET', path: '/api/v1/tasks/{id}' },
  rpc: ImageService.method.getTask,
  access: 'tasks:read',
  faults: ['task_not_found'],
  readsAtPosition: 'log',
  input: taskRef,
  output: taskView,
  view: (json: string) => JSON.parse(json) as TaskView,
  toJson: (json: string) => json,
  response: { description: 'The task.', example: completedExample },
  open(ports) {
    const read = readTask(ports)
    return async (who, { id }) => ({ value: await read(who, id) })
  },
})

/** Longest wait for the end of the log, before the task is read from the log itself. */
const headTimeoutMs = 250
/** Reading one task from the log costs two thirds of reading the end of the log. */
const minSharedCalls = 2
/** How far the task list may be behind the log. It usually is not: events arrive before the answer about the end. */
const lagTimeoutMs = 20

type ReadPorts = Pick<Ports, 'events' | 'index' | 'follower' | 'storeTimeout' | 'writePositions'>

/**
 * The JSON of a task, from the task list once it includes everything that was in the log when the call arrived: calls at the
 * same time share one question about the end of the log. What the list does not know, or not yet, is read from the log; so is
 * the task of a call that has no other to share with.
 */
function readTask(ports: ReadPorts) {
  const { events, index, follower, writePositions } = ports
  const readHead = shareHeadReads(ports, headTimeoutMs, minSharedCalls)
  /** An end that the list does not reach, because the last event is one that this version cannot read. */
  let unreachable = 0

  const findInList = async ({ account }: Principal, id: string): Promise<string | undefined> => {
    const head = await readHead()
    if (head === undefined || head.logId !== follower.logId) return undefined
    const own = writePositions.latest(account)
    const needed = Math.max(head.last, own)
    if (index.sequence < needed) {
      if (needed === unreachable) return undefined
      if (!(await follower.waitForSequence(needed, lagTimeoutMs))) {
        unreachable = needed
        return undefined
      }
    }
    const found = index.find(account, id)
    // An event beyond the end that was read is newer, or of a log that was purged.
    return found !== undefined && found.seq <= needed ? found.json : undefined
  }

  return async (who: Principal, id: string): Promise<string> =>
    (await findInList(who, id)) ?? JSON.stringify(viewTask((await findTask(events, who, id)).event.task))
}
