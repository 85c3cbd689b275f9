import { eventOf, type StoredEvent } from '@pixelflow/core/event'
import { Fault } from '@pixelflow/core/fault'
import { firstJob } from '@pixelflow/core/job'
import { requireScope, type Principal } from '@pixelflow/core/principal'
import { hasEnded, type Task } from '@pixelflow/core/task'
import { findTask } from './find-task.ts'
import type { Ports } from '../ports.ts'

type Needs = Pick<Ports, 'events' | 'queue' | 'cancellations' | 'writes'>

/** More changes than a task's life has; losing that many races in a row means that something is wrong. */
const mostRaces = 64

/**
 * Ends a task that has not ended. Whoever works on it is told, but need not hear: the log says it has ended, and
 * nothing can be appended behind that. Cancelling twice is as good as once.
 * @throws Fault `task_not_found`, `task_ended` when it has completed or failed.
 */
export function cancelTask(ports: Needs) {
  return async (who: Principal, taskId: string): Promise<Task> => {
    requireScope(who, 'tasks:write')
    const { task } = (await endIfActive(ports, who, taskId)).event
    if (task.status === 'cancelled') return task
    throw new Fault('task_ended', `The task has already ${task.status}.`, {
      remedy: 'Delete it to remove it with its outputs.',
    })
  }
}

/** The task's newest event after it was cancelled, or the one that had already ended it. */
export async function endIfActive(ports: Needs, who: Principal, taskId: string): Promise<StoredEvent> {
  for (let races = 0; ; races++) {
    const last = await findTask(ports.events, who, taskId)
    const { task } = last.event
    if (hasEnded(task.status)) {
      // Somebody else's end, or that of an earlier try: the answer knows of it, and so should lists.
      ports.writes.noted(who.account, last.seq)
      return last
    }
    const at = ports.events.now()
    const event = eventOf('cancelled', task, { status: 'cancelled', endedAt: at.toISOString() }, at)
    try {
      const seq = await ports.events.append(event, last.seq)
      ports.writes.noted(who.account, seq)
      await stop(ports, task)
      return { seq, storedAt: at, event }
    } catch (thrown) {
      // The task moved on between reading and writing.
      if (Fault.of(thrown).code !== 'conflict' || races === mostRaces) throw thrown
    }
  }
}

/** Frees the queue and the actor early. A job that is found later all the same is dropped by whoever finds it. */
async function stop({ queue, cancellations }: Needs, task: Task): Promise<void> {
  await Promise.allSettled([queue.remove(firstJob(task)), cancellations.publish(task.account, task.id)])
}
