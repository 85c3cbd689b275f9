import { z } from 'zod'
import { hasEnded, task, type Task } from './task.ts'

/** What happened, in the order it may happen. `output` may repeat; `deleted` may follow an end. */
export const kinds = [
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
export type EventKind = (typeof kinds)[number]

/** One step of a task's life: a kind and the whole task as it was right after it. */
export const taskEvent = z.object({
  version: z.literal(1),
  kind: z.enum(kinds),
  at: z.iso.datetime(),
  /** Which output was finished; only on `output`. */
  output: z.string().optional(),
  task,
})
export type TaskEvent = z.infer<typeof taskEvent>

/** An event in its place in the log. `seq` is the log's own sequence: total order over all tasks, gaps are normal. */
export interface StoredEvent {
  readonly seq: number
  /** When the log took it, by the log's own clock: `event.at` is only what its writer said. */
  readonly storedAt: Date
  readonly event: TaskEvent
}

/** True for the event that ends a task's stream: nothing that a watcher waits for comes after it. */
export function isFinal(event: TaskEvent): boolean {
  return event.kind === 'deleted' || hasEnded(event.task.status)
}

/** An event about a task as it is after `change`; stamps both with the moment. */
export function eventOf(
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

/** Where a client stopped reading, opaque to it: send it back to go on from there on any gateway, over any protocol. */
export function resumeToken(seq: number): string {
  return seq.toString(36)
}

/** The sequence behind a resume token; undefined when it is none of ours. */
export function parseResumeToken(token: string): number | undefined {
  if (!/^[0-9a-z]{1,11}$/.test(token)) return undefined
  const seq = Number.parseInt(token, 36)
  return Number.isSafeInteger(seq) ? seq : undefined
}
