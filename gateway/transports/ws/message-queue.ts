import { createNotifier } from '@pixelflow/core/notifier'

/** Bounded queue between a socket and the reader of its messages. Bounded, because a WebSocket has no backpressure. */
export interface MessageQueue<T> extends AsyncIterable<T> {
  /** Returns false, without adding the message, when the queue is full or closed. */
  put(message: T): boolean
  /** Ends the iteration after the messages that are in the queue. */
  close(): void
}

export function createMessageQueue<T>(capacity: number): MessageQueue<T> {
  const messages: T[] = []
  const changed = createNotifier()
  let isClosed = false
  return {
    put(message) {
      if (isClosed || messages.length >= capacity) return false
      messages.push(message)
      changed.notify()
      return true
    },
    close() {
      isClosed = true
      changed.notify()
    },
    async *[Symbol.asyncIterator]() {
      for (;;) {
        const [message] = messages.splice(0, 1)
        if (message !== undefined) yield message
        else if (isClosed) return
        else await changed.wait()
      }
    },
  }
}
