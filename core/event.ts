import { z } from 'zod'
import { hasEnded, task, type Task } from './task.ts'

/** Event kinds in the order in which they can occur. `output` may repeat; `deleted` may follow a final event. */
export const eventKinds = [
  'queued',
  'started',
  'fetched',
  'decoded',
  'output',
  'completed',
  'failed',
  'cancelled',
  'deleted',
] as const
export type EventKind = (typeof eventKinds)[number]
export const eventKind = z.enum(eventKinds)

/** One event: its kind, and the complete task right after it. */
export const taskEvent = z.object({
  version: z.literal(1),
  kind: eventKind,
  at: z.iso.datetime(),
  /** Name of the finished output; only for the kind `output`. */
  output: z.string().optional(),
  task,
})
export type TaskEvent = z.infer<typeof taskEvent>

/** An event in the event log. `seq` is the sequence of the log: a total order over all tasks, with gaps. */
export interface StoredEvent {
  readonly seq: number
  /** When the log stored it, by the clock of the log. `event.at` is by the clock of the writer. */
  readonly storedAt: Date
  readonly event: TaskEvent
}

/** Whether the event ends the event stream of its task. */
export function isFinal(event: TaskEvent): boolean {
  return event.kind === 'deleted' || hasEnded(event.task.status)
}

/** Creates the event of a change. Both the event and the task get the time `at`. */
export function createEvent(
  kind: EventKind,
  before: Task,
  change: Partial<Task>,
  at: Date,
  output?: string,
): TaskEvent {
  const stamp = at.toISOString()
  return {
    version: 1,
    kind,
    at: stamp,
    ...(output === undefined ? {} : { output }),
    task: { ...before, ...change, updatedAt: stamp },
  }
}

/** An opaque position in an event stream, valid on any gateway and over any protocol. */
export function formatResumeToken(seq: number): string {
  return seq.toString(36)
}

/** The sequence of a resume token; undefined for an invalid token. */
export function parseResumeToken(token: string): number | undefined {
  if (!/^[0-9a-z]{1,11}$/.test(token)) return undefined
  const seq = Number.parseInt(token, 36)
  return Number.isSafeInteger(seq) ? seq : undefined
}
