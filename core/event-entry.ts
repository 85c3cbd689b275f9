import type { EventKind, TaskEvent } from './event.ts'
import type { Task } from './task.ts'

/**
 * One entry of the event log: the last of some events that followed each other closely, and the differences of those before
 * it. Most entries hold one event. Several events in one entry cost one append.
 */
export interface EventEntry extends TaskEvent {
  readonly earlier?: readonly EarlierEvent[]
}

interface EarlierEvent {
  readonly kind: EventKind
  readonly at: string
  readonly output?: string
  /** The fields of the task that differ from the task of the entry; null for a field that was absent. */
  readonly task: Readonly<Record<string, unknown>>
}

/** Most events of one entry. */
export const maxEntryEvents = 64

/** @param earlier events of the same task before `last`, oldest first, at most `maxEntryEvents` - 1 */
export function packEvents(earlier: readonly TaskEvent[], last: TaskEvent): EventEntry {
  if (earlier.length === 0) return last
  return {
    ...last,
    earlier: earlier.map(({ kind, at, output, task }) => ({
      kind,
      at,
      ...(output === undefined ? {} : { output }),
      task: differencesOf(task, last.task),
    })),
  }
}

/** All events of an entry, oldest first; at least one. */
export function unpackEvents({ earlier, ...last }: EventEntry): TaskEvent[] {
  if (earlier === undefined) return [last]
  const before = earlier.map(({ task, ...rest }): TaskEvent => {
    const merged = Object.entries({ ...last.task, ...task }).filter(([, value]) => value !== null)
    return { version: 1, ...rest, task: Object.fromEntries(merged) as Task }
  })
  return [...before, last]
}

/** Compares by identity: events of one writer share what did not change. */
function differencesOf(task: Task, last: Task): Record<string, unknown> {
  const [own, others]: Record<string, unknown>[] = [task, last] as never
  const names = new Set([...Object.keys(own ?? {}), ...Object.keys(others ?? {})])
  return Object.fromEntries(
    [...names].filter((name) => own?.[name] !== others?.[name]).map((name) => [name, own?.[name] ?? null]),
  )
}
