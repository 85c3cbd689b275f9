import type { Job } from '@pixelflow/core/job'
import { repeatUntilAborted } from '@pixelflow/core/repeat-until-aborted'
import type { Events } from '@pixelflow/core/ports/events'
import type { Queue } from '@pixelflow/core/ports/queue'
import type { OutboxEntry, TaskOutbox } from '@pixelflow/core/ports/task-outbox'
import type { Task } from '@pixelflow/core/task'
import type { Logger } from '@pixelflow/platform/telemetry/logger'

export interface ReconcileOptions {
  readonly outbox: TaskOutbox
  readonly events: Events
  readonly queue: Queue
  /** The first job of a task. */
  readonly jobOf: (task: Task) => Job
  readonly log: Logger
}

/**
 * Queues tasks that were accepted but never queued, because the gateway stopped in between. Runs until `signal` aborts;
 * never rejects.
 */
export async function reconcile(options: ReconcileOptions, signal: AbortSignal): Promise<void> {
  const { outbox, log } = options
  const reconcileEntries = async (resetBackoff: () => void) => {
    for await (const entry of outbox.entries(signal)) {
      await reconcileTask(options, entry)
      resetBackoff()
    }
  }
  await repeatUntilAborted(reconcileEntries, {
    signal,
    onFailure: (error) => log.warn('accepted tasks not read', { error }),
  })
}

/** Age after which an entry without a task is dropped, in milliseconds: the gateway has then given up writing the task. */
const abandonedAfterMs = 60_000

/** An entry that is not settled is delivered again, here or to another actor. */
async function reconcileTask(
  { events, queue, jobOf, log }: ReconcileOptions,
  entry: OutboxEntry,
): Promise<void> {
  const { account, task } = entry
  try {
    const last = await events.last(account, task)
    if (last === null && entry.ageMs < abandonedAfterMs) return
    if (last?.event.kind === 'queued' && (await queue.submit(jobOf(last.event.task))) === 'queued') {
      log.warn('accepted task queued', { account, task })
    }
    await entry.settle()
  } catch (error) {
    log.warn('accepted task not reconciled', { account, task, error })
  }
}
