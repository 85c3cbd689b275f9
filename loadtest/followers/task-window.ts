import { PixelflowError, type Client } from '@pixelflow/client'
import { createNotifier } from '@pixelflow/core/notifier'
import { pause } from '@pixelflow/core/pause'
import { createDeliveryLog, type DeliveryLog } from './delivery-log.ts'

/** A task that followers watch. */
export interface WatchedTask {
  readonly id: string
  readonly log: DeliveryLog
  followers: number
  hasEnded: boolean
}

/** Keeps a number of tasks unfinished, so that followers always find one to follow. Deletes tasks without followers. */
export interface TaskWindow {
  /** Adds a follower to the unfinished task with the fewest. Waits for one; undefined after `stop` or an abort. */
  join(signal: AbortSignal): Promise<WatchedTask | undefined>
  /** Removes a follower. `hasEnded`: it has received the final event. */
  leave(task: WatchedTask, hasEnded: boolean): void
  /** Creates no further tasks. */
  stop(): void
  /** Deletes every task that is left. Call it when no follower is left. */
  deleteAll(): Promise<void>
}

export interface TaskWindowOptions {
  readonly client: Pick<Client, 'createTask' | 'deleteTask'>
  readonly image: string
  /** Number of unfinished tasks. */
  readonly size: number
  /** Called with each result of a call. */
  readonly onCall: (name: 'the task is accepted' | 'the task is deleted', isPassed: boolean) => void
}

/** Pause after a call that failed, in milliseconds. */
const failurePauseMs = 1000

/** Eight results that take some hundred milliseconds each, so that a task has a dozen events within some seconds. */
const recipe = {
  steps: [],
  outputs: Object.fromEntries(
    Array.from({ length: 8 }, (_, at) => [
      `size-${at}`,
      {
        steps: [
          { op: 'resize', width: 600 + 40 * at },
          { op: 'format', type: 'avif', quality: 60, effort: 2 },
        ],
      },
    ]),
  ),
}

export function createTaskWindow({ client, image, size, onCall }: TaskWindowOptions): TaskWindow {
  const tasks = new Set<WatchedTask>()
  const changes = createNotifier()
  let isStopped = false
  /** Tasks that are being created. */
  let creating = 0

  const fill = () => {
    const unfinished = [...tasks].filter(({ hasEnded }) => !hasEnded).length
    for (let missing = size - unfinished - creating; missing > 0 && !isStopped; missing -= 1) void create()
  }
  const create = async () => {
    creating += 1
    const created = await client
      .createTask(image, recipe, { idempotencyKey: crypto.randomUUID() })
      .catch(() => undefined)
    onCall('the task is accepted', created !== undefined)
    if (created === undefined) await pause(failurePauseMs)
    creating -= 1
    if (created !== undefined)
      tasks.add({ id: created.id, log: createDeliveryLog(), followers: 0, hasEnded: false })
    changes.notify()
    fill()
  }
  const remove = async (task: WatchedTask) => {
    tasks.delete(task)
    const isDeleted = await client.deleteTask(task.id).then(
      () => true,
      // An earlier try whose answer was lost has deleted it.
      (error: unknown) => error instanceof PixelflowError && error.code === 'task_not_found',
    )
    onCall('the task is deleted', isDeleted)
  }

  fill()
  return {
    async join(signal) {
      while (!isStopped && !signal.aborted) {
        const unfinished = [...tasks].filter(({ hasEnded }) => !hasEnded)
        const next = unfinished.sort((a, b) => a.followers - b.followers)[0]
        if (next !== undefined) {
          next.followers += 1
          return next
        }
        await changes.wait({ signal })
      }
      return undefined
    },
    leave(task, hasEnded) {
      task.followers -= 1
      task.hasEnded ||= hasEnded
      if (task.hasEnded && task.followers === 0) void remove(task)
      fill()
    },
    stop() {
      isStopped = true
      changes.notify()
    },
    async deleteAll() {
      while (creating > 0) await changes.wait()
      await Promise.all([...tasks].map(remove))
    },
  }
}
