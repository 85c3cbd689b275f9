import { createNotifier } from './notifier.ts'

/**
 * A first-in, first-out queue with a bound, for a sender that cannot be slowed down: what does not fit is refused. A channel
 * in which the newest value replaces others is `latest-value.ts`; buffers that wait for space, or that let their reader
 * restart from a history, are written where they are used.
 */
export interface BoundedQueue<T> extends AsyncIterable<T> {
  /** Returns false, without adding the item, when the queue is full or closed. */
  put(item: T): boolean
  /** Ends the iteration after the items that are in the queue. */
  close(): void
}

export function createBoundedQueue<T>(capacity: number): BoundedQueue<T> {
  const items: T[] = []
  const changed = createNotifier()
  let isClosed = false
  return {
    put(item) {
      if (isClosed || items.length >= capacity) return false
      items.push(item)
      changed.notify()
      return true
    },
    close() {
      isClosed = true
      changed.notify()
    },
    async *[Symbol.asyncIterator]() {
      for (;;) {
        const [item] = items.splice(0, 1)
        if (item !== undefined) yield item
        else if (isClosed) return
        else await changed.wait()
      }
    },
  }
}
