import type { Message } from '@bufbuild/protobuf'
import { createNotifier } from '@pixelflow/core/notifier'

/** The members of a grpc-js call that messages are written to. */
export interface MessageSink {
  readonly writableLength: number
  write(message: Message, sent: () => void): boolean
}

/** Messages that may wait for a slow client. With more, the implementation waits until its newest message is written. */
const maxWaiting = 4

/** Sends the messages of one call and bounds how many wait for the client. */
export interface SendBudget {
  /** Writes a message; resolves when the implementation may continue. @throws the reason of the signal when it aborts. */
  send(message: Message): Promise<void>
  /** Resolves when all messages have been written, or when the signal aborts. */
  drain(): Promise<void>
}

/**
 * The bound belongs to this implementation, not to a workaround, because `write` of grpc-js always accepts a message and
 * only reports that the buffer is full. `stalled-readers.test.ts` tests it.
 *
 * The notifier gets one abort listener for the whole call. Its own `signal` option would add and remove a listener for each
 * message.
 */
export function createSendBudget(call: MessageSink, signal: AbortSignal): SendBudget {
  const changed = createNotifier()
  let pending = 0
  signal.addEventListener('abort', changed.notify, { once: true })
  return {
    async send(message) {
      let isWritten = false
      pending += 1
      call.write(message, () => {
        pending -= 1
        isWritten = true
        changed.notify()
      })
      if (call.writableLength <= maxWaiting) return
      while (!isWritten && !signal.aborted) await changed.wait()
      signal.throwIfAborted()
    },
    async drain() {
      while (pending > 0 && !signal.aborted) await changed.wait()
    },
  }
}
