/** What a socket has said, for somebody who reads it one by one. A socket cannot be made to wait, so it is bounded. */
export interface MessageQueue<T> extends AsyncIterable<T> {
  /** False when too much waits already; it is not taken then. */
  put(value: T): boolean
  /** Nothing more comes; what is there can still be read. */
  close(): void
}

export function createMessageQueue<T>(mostWaiting: number): MessageQueue<T> {
  const waiting: T[] = []
  let isClosed = false
  let wake = () => {}
  return {
    put(value) {
      if (isClosed || waiting.length >= mostWaiting) return false
      waiting.push(value)
      wake()
      return true
    },
    close() {
      isClosed = true
      wake()
    },
    async *[Symbol.asyncIterator]() {
      for (;;) {
        const [value] = waiting.splice(0, 1)
        if (value !== undefined) yield value
        else if (isClosed) return
        else await new Promise<void>((resolve) => (wake = resolve))
      }
    },
  }
}
