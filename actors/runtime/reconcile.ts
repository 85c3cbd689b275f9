import type { Job } from '@pixelflow/core/job'
import { pause } from '@pixelflow/core/pause'
import type { Events } from '@pixelflow/core/ports/events'
import type { Queue } from '@pixelflow/core/ports/queue'
import type { OutboxEntry, TaskOutbox } from '@pixelflow/core/ports/task-outbox'
import type { Task } from '@pixelflow/core/task'
import type { Logger } from '@pixelflow/platform/telemetry/logger'
import { backoffMs } from '@pixelflow/core/backoff'

export interface ReconcileOptions {
  readonly outbox: TaskOutbox
  readonly events: Events
  readonly queue: Queue
  /** The job that a task begins with. */
  readonly jobOf: (task: Task) => Job
  readonly log: Logger
}

/**
 * Finds tasks that were accepted but never queued, because whoever accepted them died in between, and queues them.
 * Runs until `signal` aborts; never rejects.
 */
export async function reconcile(options: ReconcileOptions, signal: AbortSignal): Promise<void> {
  const { outbox, log } = options
  for (let failures = 0; !signal.aborted;) {
    try {
      for await (const accepted of outbox.entries(signal)) {
        await look(options, accepted)
        failures = 0
      }
    } catch (error) {
      failures += 1
      log.warn('acceptances cannot be read', { error })
    }
    await pause(backoffMs(failures), signal)
  }
}

/** By now an acceptance without an event was never one: whoever was about to write it has given up. */
const hopelessAfterMs = 60_000

/** Unless settled, an acceptance is seen again, here or elsewhere. */
async function look({ events, queue, jobOf, log }: ReconcileOptions, accepted: OutboxEntry): Promise<void> {
  const { account, task } = accepted
  try {
    const last = await events.last(account, task)
    if (last === null && accepted.ageMs < hopelessAfterMs) return
    if (last?.event.kind === 'queued' && (await queue.submit(jobOf(last.event.task))) === 'queued') {
      log.warn('accepted task had no job and was queued', { account, task })
    }
    await accepted.settle()
  } catch (error) {
    log.warn('acceptance could not be looked at', { account, task, error })
  }
}
