import type { Message } from '@bufbuild/protobuf'

/** As much of a call as messages are written to. */
export interface MessageSink {
  readonly writableLength: number
  write(message: Message, passed: () => void): boolean
}

/** Messages that may wait for a client that takes no more; whoever makes the next one waits then. */
const mostWaiting = 4

/** What a call sends to its client. */
export interface SendBudget {
  /** Writes a message, when those before it have mostly passed. @throws what the signal aborts with. */
  send(message: Message): Promise<void>
  /** Resolves when all that was written has passed, or when the signal aborts. */
  passed(): Promise<void>
}

/** One listener serves the whole call: one for each message would stay for as long as the call does. */
export function createSendBudget(call: MessageSink, signal: AbortSignal): SendBudget {
  let underWay = 0
  let wake = () => {}
  let emptied = () => {}
  const leave = () => {
    wake()
    emptied()
  }
  signal.addEventListener('abort', leave, { once: true })
  return {
    async send(message) {
      const { promise, resolve } = Promise.withResolvers<void>()
      underWay += 1
      call.write(message, () => {
        underWay -= 1
        resolve()
        if (underWay === 0) emptied()
      })
      if (call.writableLength <= mostWaiting) return
      wake = resolve
      if (!signal.aborted) await promise
      signal.throwIfAborted()
    },
    async passed() {
      if (underWay === 0 || signal.aborted) return
      const { promise, resolve } = Promise.withResolvers<void>()
      emptied = resolve
      await promise
    },
  }
}
