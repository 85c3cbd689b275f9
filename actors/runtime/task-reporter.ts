import { createEvent, isFinal, type EventKind, type StoredEvent, type TaskEvent } from '@pixelflow/core/event'
import { Fault } from '@pixelflow/core/fault'
import type { Events } from '@pixelflow/core/ports/events'
import { retry } from '@pixelflow/core/retry'
import type { Task } from '@pixelflow/core/task'

/** Appends the events of one attempt in order, each on top of the one before. */
export interface TaskReporter {
  /** The task after everything that was reported, whether written or not. */
  readonly task: Task
  /** Queues an event and returns. After a failure nothing more is written. */
  report(kind: EventKind, change: Partial<Task>, output?: string): void
  /**
   * Resolves when all reported events are in the event log.
   * @throws Fault `task_ended` when the task has ended, `conflict` when another attempt has taken it over, or the fault of
   * the write.
   */
  flush(): Promise<void>
}

/**
 * @param from the last event of the task, on which the first report builds
 * @param onFailure called once, when a write fails
 */
export function createTaskReporter(
  events: Events,
  from: StoredEvent,
  onFailure?: (fault: Fault) => void,
): TaskReporter {
  let { seq } = from
  let { task } = from.event
  let failure: Fault | undefined
  let writes: Promise<void> = Promise.resolve()

  const append = async (event: TaskEvent) => {
    if (failure !== undefined) return
    try {
      const appended = await retry(() => events.append(event, seq))
      if (appended === null) failure = await explainConflict()
      else seq = appended
    } catch (thrown) {
      failure = Fault.of(thrown)
    }
    if (failure !== undefined) onFailure?.(failure)
  }

  /** After a conflict, finds out whether the task has ended or another attempt has written. */
  const explainConflict = async (): Promise<Fault> => {
    const last = await retry(() => events.last(task.account, task.id))
    if (last === null) return taskHistoryMissing()
    return isFinal(last.event) ? taskEnded() : taskTakenOver()
  }

  return {
    get task() {
      return task
    },
    report(kind, change, output) {
      if (failure !== undefined) return
      // Progress starts at 0 in each attempt and never decreases within it, in whatever order outputs finish.
      const progress = kind === 'started' ? 0 : Math.max(task.progress, change.progress ?? 0)
      const event = createEvent(kind, task, { ...change, progress }, events.now(), output)
      task = event.task
      writes = writes.then(() => append(event))
    },
    async flush() {
      await writes
      if (failure !== undefined) throw failure
    },
  }
}

/**
 * The task has a job but no event. Its first event was written before the job was queued, so this server lags behind, or
 * the job has outlived the history of its task.
 */
export function taskHistoryMissing(): Fault {
  return new Fault('unavailable', 'The history of the task is not available.', { remedy: 'Try again later.' })
}

/** Another attempt has written to the history of the task. */
function taskTakenOver(): Fault {
  return new Fault('conflict', 'Another attempt has taken over the task.', { remedy: 'Read the task again.' })
}

/** The task has ended, e.g. by a cancellation. */
export function taskEnded(): Fault {
  return new Fault('task_ended', 'The task has already ended.')
}
