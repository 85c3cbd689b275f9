import type { TaskEvent } from '@pixelflow/core/event'
import type { Events } from '@pixelflow/core/ports/events'

/**
 * Appends an event in a test that is alone with the task, and returns its sequence.
 * @throws Error when the history of the task does not end at `after`.
 */
export async function appendEvent(
  events: Pick<Events, 'append'>,
  event: TaskEvent,
  after: number,
): Promise<number> {
  const seq = await events.append(event, after)
  if (seq !== null) return seq
  throw new Error(`conflict: the history of task ${event.task.id} does not end at ${after}`)
}
