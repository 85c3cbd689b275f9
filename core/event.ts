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

/** The place of an event in the event log. */
export interface EventPosition {
  /** Sequence of its entry: a total order over all tasks, with gaps. */
  readonly seq: number
  /** Number within its entry, from 0, when later events are in the same entry; absent for the last event of an entry. */
  readonly part?: number
}

/** An event in the event log. */
export interface StoredEvent extends EventPosition {
  /** When the log stored it, by the clock of the log. `event.at` is by the clock of the writer. */
  readonly storedAt: Date
  /** The span that appended it, as a W3C `traceparent`; only in the last event of a task, where traces are recorded. */
  readonly traceparent?: string
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

/** Whether an event comes after a position. */
export function isAfter(one: EventPosition, other: EventPosition): boolean {
  return one.seq > other.seq || (one.seq === other.seq && (one.part ?? Infinity) > (other.part ?? Infinity))
}

/** An opaque position in an event stream, valid on any gateway and over any protocol. */
export function formatResumeToken({ seq, part }: EventPosition): string {
  return part === undefined ? seq.toString(36) : `${seq.toString(36)}.${part}`
}

/** The position of a resume token; undefined for an invalid token. */
export function parseResumeToken(token: string): EventPosition | undefined {
  const [, first = '', second] = /^([0-9a-z]{1,11})(?:\.(\d{1,2}))?$/.exec(token) ?? []
  const seq = Number.parseInt(first, 36)
  if (!Number.isSafeInteger(seq)) return undefined
  return second === undefined ? { seq } : { seq, part: Number(second) }
}
