import { eventOf, isFinal, type EventKind, type StoredEvent, type TaskEvent } from '@pixelflow/core/event'
import { Fault } from '@pixelflow/core/fault'
import type { Events } from '@pixelflow/core/ports/events'
import type { Task } from '@pixelflow/core/task'
import { retry } from '@pixelflow/core/retry'

/** Writes one attempt's events, one after the other, each on top of the one before. */
export interface TaskReporter {
  /** The task after everything reported so far, written or about to be. */
  readonly task: Task
  /** Puts an event in line and returns at once. Nothing is written after a failure. */
  report(kind: EventKind, change: Partial<Task>, output?: string): void
  /**
   * Resolves when all that was reported is in the log.
   * @throws Fault `task_ended` when the task ended meanwhile, `conflict` when another attempt has taken it over, or
   * why the log could not be written.
   */
  flush(): Promise<void>
}

/**
 * @param from the task's latest event, on which the first report builds
 * @param failed is told once what went wrong, as soon as it is known
 */
export function createTaskReporter(
  events: Events,
  from: StoredEvent,
  failed?: (fault: Fault) => void,
): TaskReporter {
  let { seq } = from
  let { task } = from.event
  let failure: Fault | undefined
  let line: Promise<void> = Promise.resolve()

  const append = async (event: TaskEvent) => {
    if (failure !== undefined) return
    try {
      seq = await retry(() => events.append(event, seq))
    } catch (thrown) {
      failure = await explain(Fault.of(thrown))
      failed?.(failure)
    }
  }

  /** When somebody else has written, it matters whether that was the end. */
  const explain = async (fault: Fault): Promise<Fault> => {
    if (fault.code !== 'conflict') return fault
    try {
      const last = await retry(() => events.last(task.account, task.id))
      if (last === null) return taskHistoryMissing()
      return isFinal(last.event) ? taskEnded() : fault
    } catch (thrown) {
      return Fault.of(thrown)
    }
  }

  return {
    get task() {
      return task
    },
    report(kind, change, output) {
      if (failure !== undefined) return
      // An attempt begins anew; within it progress only grows, in whatever order the work’s parts finish.
      const progress = kind === 'started' ? 0 : Math.max(task.progress, change.progress ?? 0)
      const event = eventOf(kind, task, { ...change, progress }, events.now(), output)
      task = event.task
      line = line.then(() => append(event))
    },
    async flush() {
      await line
      if (failure !== undefined) throw failure
    },
  }
}

/**
 * The log knows nothing of a task that has a job. Its first event stood there before the job was queued, so this is a
 * server that has been left behind by the others and does not know it yet, or a job that has outlived its task's history.
 */
export function taskHistoryMissing(): Fault {
  return new Fault('unavailable', 'The history of the task cannot be found just now.')
}

/** The task came to its end without us. */
export function taskEnded(): Fault {
  return new Fault('task_ended', 'The task has already ended.')
}
