import type { Message } from '@bufbuild/protobuf'

/** The members of a grpc-js call that messages are written to. */
export interface MessageSink {
  readonly writableLength: number
  write(message: Message, sent: () => void): boolean
}

/** Messages that may wait for a slow client before the implementation has to wait. */
const maxWaiting = 4

/** Sends the messages of one call and bounds how many wait for the client. */
export interface SendBudget {
  /** Writes a message; resolves when few enough messages wait. @throws the reason of the signal when it aborts. */
  send(message: Message): Promise<void>
  /** Resolves when all messages have been written, or when the signal aborts. */
  drained(): Promise<void>
}

/** Adds one abort listener for the whole call: one for each message would accumulate while the call lasts. */
export function createSendBudget(call: MessageSink, signal: AbortSignal): SendBudget {
  let pending = 0
  let wake = () => {}
  let wakeDrained = () => {}
  const onAbort = () => {
    wake()
    wakeDrained()
  }
  signal.addEventListener('abort', onAbort, { once: true })
  return {
    async send(message) {
      const { promise, resolve } = Promise.withResolvers<void>()
      pending += 1
      call.write(message, () => {
        pending -= 1
        resolve()
        if (pending === 0) wakeDrained()
      })
      if (call.writableLength <= maxWaiting) return
      wake = resolve
      if (!signal.aborted) await promise
      signal.throwIfAborted()
    },
    async drained() {
      if (pending === 0 || signal.aborted) return
      const { promise, resolve } = Promise.withResolvers<void>()
      wakeDrained = resolve
      await promise
    },
  }
}
