import { createParser } from 'eventsource-parser'

/** One server-sent event, as the standard takes a stream apart. */
export interface ServerSentEvent {
  /** Its name; `message` when it has none. */
  readonly event: string
  readonly data: string
  /** The last id that the stream has named, up to and with this event. */
  readonly id: string | undefined
}

/** Most that is kept of an event that has not ended, in characters. */
const largestEvent = 1024 * 1024

/**
 * Takes a byte stream apart into events. An event that the end of the stream cuts short is dropped, as the standard wants.
 * @throws Error when a single event is larger than 1 Mi characters.
 */
export async function* parseEvents(stream: AsyncIterable<Uint8Array>): AsyncGenerator<ServerSentEvent> {
  const arrived: ServerSentEvent[] = []
  let id: string | undefined
  const parser = createParser({
    maxBufferSize: largestEvent,
    onId: (named) => (id = named),
    onEvent: ({ event = '', data }) => arrived.push({ event: event || 'message', data, id }),
    onError: (error) => {
      if (error.type === 'max-buffer-size-exceeded') throw new Error('an event of the stream is too long')
    },
  })
  const decoder = new TextDecoder()
  for await (const chunk of stream) {
    parser.feed(decoder.decode(chunk, { stream: true }))
    yield* arrived.splice(0)
  }
}
