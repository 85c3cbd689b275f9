import type { StoredEvent } from '@pixelflow/core/event'

/** The complete histories of recent tasks, so that most watchers read nothing from the store. */
export interface RecentHistories {
  /** Adds the events of one entry of the log; ignores those of tasks whose beginning it does not have. */
  add(events: readonly StoredEvent[]): void
  /** The events of a task from its first one on; undefined when it is not recent or was deleted. */
  read(account: string, task: string): readonly StoredEvent[] | undefined
  clear(): void
  /** Estimated bytes of all histories. */
  readonly bytes: number
}

interface History {
  readonly events: StoredEvent[]
  readonly snapshotBytes: number
  bytes: number
}

/** Bytes of an event besides the snapshot that its task began with. */
const eventBytes = 512
/** The snapshot, and its text for watchers, which is kept with it. */
const snapshotCopies = 2

/** A location may contain the bytes of an output. Events of one entry share it. */
function countLocationBytes({ event: { task } }: StoredEvent): number {
  return task.outputs.reduce((sum, { location = '' }) => sum + location.length, 0)
}

/** @param maxBytes of all histories; the tasks that were created first are dropped first */
export function createRecentHistories(maxBytes = 16 * 1024 * 1024): RecentHistories {
  const byTask = new Map<string, History>()
  let bytes = 0

  const drop = (key: string, history: History) => {
    byTask.delete(key)
    bytes -= history.bytes
  }

  return {
    add(events) {
      const first = events[0]
      if (first === undefined) return
      const { task, kind } = first.event
      const key = `${task.account}/${task.id}`
      let history = byTask.get(key)
      if (history === undefined) {
        if (kind !== 'queued') return
        history = { events: [], snapshotBytes: JSON.stringify(first.event).length, bytes: 0 }
        byTask.set(key, history)
      } else if (first.seq <= (history.events.at(-1)?.seq ?? 0)) return
      if (kind === 'deleted') return drop(key, history)
      history.events.push(...events)
      const added =
        events.length * (snapshotCopies * history.snapshotBytes + eventBytes) +
        countLocationBytes(events.at(-1) ?? first)
      history.bytes += added
      bytes += added
      for (const [oldest, one] of byTask) {
        if (bytes <= maxBytes) return
        drop(oldest, one)
      }
    },
    read: (account, task) => byTask.get(`${account}/${task}`)?.events,
    clear() {
      byTask.clear()
      bytes = 0
    },
    get bytes() {
      return bytes
    },
  }
}
