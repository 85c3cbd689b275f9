import type { StoredEvent } from '@pixelflow/core/event'
import { maxEntryEvents } from '@pixelflow/core/event-entry'
import { createNotifier } from '@pixelflow/core/notifier'
import type { Subscription } from '../ports.ts'

/** Distributes the events of the follower to the callers that watch a task. */
export interface Watchers {
  subscribe(account: string, task: string): Subscription
  /** @param events of one task */
  publish(events: readonly StoredEvent[]): void
  /** Open subscriptions. */
  readonly count: number
  /** Ends all subscriptions, and those that are created later. */
  close(): void
}

/** @param maxPending events kept for a slow watcher; when there are more, it must read the history */
export function createWatchers(maxPending = 2 * maxEntryEvents): Watchers {
  const byTask = new Map<string, Set<Watcher>>()
  let count = 0
  let isClosed = false

  return {
    subscribe(account, task) {
      const key = `${account}/${task}`
      const watcher = createWatcher(maxPending, () => {
        count--
        const others = byTask.get(key)
        others?.delete(watcher)
        if (others?.size === 0) byTask.delete(key)
      })
      count++
      const others = byTask.get(key)
      if (others) others.add(watcher)
      else byTask.set(key, new Set([watcher]))
      if (isClosed) watcher.close()
      return watcher
    },
    publish(events) {
      const [first] = events
      if (first === undefined) return
      const { account, id } = first.event.task
      for (const watcher of byTask.get(`${account}/${id}`) ?? []) watcher.offer(events)
    },
    get count() {
      return count
    },
    close() {
      isClosed = true
      for (const watchers of byTask.values()) for (const watcher of watchers) watcher.close()
    },
  }
}

interface Watcher extends Subscription {
  offer(events: readonly StoredEvent[]): void
  close(): void
}

/** Not a `BoundedQueue`: when it is full, it drops everything, and its reader continues from the history. */
function createWatcher(maxPending: number, onDispose: () => void): Watcher {
  let pending: StoredEvent[] = []
  const state = { hasMissed: false, isClosed: false }
  const notifier = createNotifier()

  return {
    offer(events) {
      if (pending.length + events.length <= maxPending && !state.hasMissed) pending.push(...events)
      else {
        // The reader continues from the history, which contains the pending events too.
        state.hasMissed = true
        pending = []
      }
      notifier.notify()
    },
    close() {
      state.isClosed = true
      notifier.notify()
    },
    async next(signal) {
      while (pending.length === 0 && !state.hasMissed && !state.isClosed && !signal.aborted)
        await notifier.wait({ signal })
      if (state.isClosed || signal.aborted) return null
      if (state.hasMissed) {
        state.hasMissed = false
        return 'missed'
      }
      const events = pending
      pending = []
      return events
    },
    [Symbol.dispose]: onDispose,
  }
}
