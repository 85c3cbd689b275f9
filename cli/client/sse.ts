import { createParser } from 'eventsource-parser'

/** One server-sent event. */
export interface ServerSentEvent {
  /** Its name; `message` when it has none. */
  readonly event: string
  readonly data: string
  /** The last id that the stream has named, up to and with this event; undefined before it has named one. */
  readonly id: string | undefined
}

/** Most that is kept of an event that has not ended, in characters; a stream that sends more is broken. */
const longestEvent = 1 << 20

/**
 * Takes a byte stream apart into events. One that the end of the stream cuts short is dropped, as the standard has it.
 *
 * @throws RangeError when one event passes 1 Mi characters.
 */
export async function* parseEvents(stream: AsyncIterable<Uint8Array>): AsyncGenerator<ServerSentEvent> {
  const arrived: ServerSentEvent[] = []
  let id: string | undefined
  const parser = createParser({
    maxBufferSize: longestEvent,
    onId: (named) => (id = named),
    onEvent: ({ event, data }) => arrived.push({ event: event || 'message', data, id }),
    onError: ({ type }) => {
      if (type === 'max-buffer-size-exceeded') throw new RangeError('an event of the stream is too long')
    },
  })
  const decoder = new TextDecoder()
  for await (const chunk of stream) {
    parser.feed(decoder.decode(chunk, { stream: true }))
    yield* arrived.splice(0)
  }
}
