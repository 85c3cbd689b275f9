import { createEvent, isFinal, type EventKind, type StoredEvent, type TaskEvent } from '@pixelflow/core/event'
import { maxEntryEvents } from '@pixelflow/core/event-entry'
import { Fault } from '@pixelflow/core/fault'
import type { Events } from '@pixelflow/core/ports/events'
import { retry } from '@pixelflow/core/retry'
import type { Task } from '@pixelflow/core/task'

/**
 * Whether all reported events were written. Otherwise the task has ended, e.g. by a cancellation, or another attempt has
 * taken it over.
 */
export type FlushResult = 'written' | 'ended' | 'superseded'

/** Appends the events of one attempt in order, each on top of the one before. */
export interface TaskReporter {
  /** The task after everything that was reported, whether written or not. */
  readonly task: Task
  /** Queues an event and returns. After an event that could not be written, nothing more is written. */
  report(kind: EventKind, change: Partial<Task>, output?: string): void
  /** Resolves when all reported events are in the event log, or cannot be written. @throws Fault of the write. */
  flush(): Promise<FlushResult>
}

export interface TaskReporterOptions {
  /**
   * How long an event may wait for those that follow it, in milliseconds; they are then appended in one entry. A final
   * event never waits. Default 0.
   */
  readonly gatherMs?: number
  /** Called once, when nothing more can be written. */
  readonly onStop?: (reason: Exclude<FlushResult, 'written'> | Fault) => void
}

/** @param from the last event of the task, on which the first report builds */
export function createTaskReporter(
  events: Events,
  from: StoredEvent,
  { gatherMs = 0, onStop }: TaskReporterOptions = {},
): TaskReporter {
  let { seq } = from
  let { task } = from.event
  let result: FlushResult | Fault = 'written'
  let pending: TaskEvent[] = []
  let timer: ReturnType<typeof setTimeout> | undefined
  let writes: Promise<void> = Promise.resolve()

  /** Appends all pending events, those included that were reported during the append before. */
  const appendPending = async () => {
    const entry = pending.splice(0, maxEntryEvents)
    const last = entry.pop()
    if (result !== 'written' || last === undefined) return
    try {
      const appended = await retry(() => events.append(last, seq, entry))
      if (appended === null) result = await explainConflict()
      else seq = appended
    } catch (thrown) {
      result = Fault.of(thrown)
    }
    if (result !== 'written') onStop?.(result)
    else if (pending.length > 0 && timer === undefined) await appendPending()
  }
  const write = () => {
    clearTimeout(timer)
    timer = undefined
    writes = writes.then(appendPending)
  }

  /** @throws Fault `unavailable` when this server does not have the history that the write conflicts with. */
  const explainConflict = async (): Promise<'ended' | 'superseded'> => {
    const last = await retry(() => events.last(task.account, task.id))
    if (last === null) throw taskHistoryMissing()
    return isFinal(last.event) ? 'ended' : 'superseded'
  }

  return {
    get task() {
      return task
    },
    report(kind, change, output) {
      if (result !== 'written') return
      // Progress starts at 0 in each attempt and never decreases within it, in whatever order outputs finish.
      const progress = kind === 'started' ? 0 : Math.max(task.progress, change.progress ?? 0)
      const event = createEvent(kind, task, { ...change, progress }, events.now(), output)
      task = event.task
      pending.push(event)
      if (gatherMs === 0 || isFinal(event) || pending.length >= maxEntryEvents) write()
      else timer ??= setTimeout(write, gatherMs)
    },
    async flush() {
      write()
      await writes
      if (result instanceof Fault) throw result
      return result
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
