import { Fault } from '@pixelflow/core/fault'
import type { TaskPage, TaskQuery } from '@pixelflow/core/ports/task-index'
import { listTasksInput } from '@pixelflow/core/inputs'
import { formatTaskPage, taskPageView, viewTaskPage } from '@pixelflow/core/views'
import { ImageService } from '@pixelflow/proto/pixelflow/v1/image_pb'
import { declareCall } from '../calls/declare-call.ts'
import { completedExample } from '../calls/examples.ts'
import type { Ports } from '../ports.ts'
import { shareHeadReads } from '../readmodel/share-head-reads.ts'

export const listTasks = declareCall({
  name: 'listTasks',
  tag: 'tasks',
  summary: 'List own tasks, newest first',
  http: { method: 'GET', path: '/api/v1/tasks' },
  rpc: ImageService.method.listTasks,
  access: 'tasks:read',
  readsAtPosition: 'list',
  input: listTasksInput,
  output: taskPageView,
  view: viewTaskPage,
  toJson: formatTaskPage,
  response: { description: 'A page of tasks.', example: { items: [completedExample], next: null } },
  open(ports) {
    const list = readList(ports)
    return async ({ account }, query) => ({ value: await list({ ...query, account }) })
  },
})

/** How long a list waits for the account's own writes through this gateway. */
const thisGatewayTimeoutMs = 2000
/** How long a list waits for writes through other gateways. */
const otherGatewaysTimeoutMs = 500

/**
 * Tasks of the account, newest first. The list includes all writes of the account through this gateway. It also waits
 * for writes through other gateways, but not long, because a list that is slightly old is better than none.
 * @throws Fault `unavailable` while the list is rebuilt, `invalid_request` for an invalid cursor.
 */
function readList(ports: Pick<Ports, 'index' | 'follower' | 'storeTimeout' | 'writePositions'>) {
  const { index, follower, writePositions } = ports
  const readHead = shareHeadReads(ports, otherGatewaysTimeoutMs)
  return async (query: TaskQuery): Promise<TaskPage> => {
    const isCaughtUp = await follower.waitForCatchUp(thisGatewayTimeoutMs)
    if (
      !isCaughtUp ||
      !(await follower.waitForSequence(writePositions.latest(query.account), thisGatewayTimeoutMs))
    ) {
      throw new Fault('unavailable', 'The task list is catching up with the event log.', {
        remedy: 'Try again in a moment. Single tasks can be read meanwhile.',
        retryAfterMs: 1000,
      })
    }
    const deadline = performance.now() + otherGatewaysTimeoutMs
    const head = await readHead()
    if (head !== undefined) await follower.waitForSequence(head.last, deadline - performance.now())
    return index.list(query)
  }
}
