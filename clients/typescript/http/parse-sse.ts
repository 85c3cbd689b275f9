import { createParser } from 'eventsource-parser'

/** One server-sent event. `id` is the last id that the stream has named so far, as the standard has it. */
export interface SseMessage {
  /** Its name; `message` when it has none. */
  readonly event: string
  readonly data: string
  readonly id: string
}

/** Most that is kept of an event that has not ended, in characters; a stream that sends more is broken. */
const maxChars = 1 << 20

/**
 * Reads `text/event-stream`. EventSource cannot send an Authorization header, hence over fetch. Comments and `retry` are
 * ignored: the caller has its own heartbeat and backoff. An event that the end cuts short is dropped, as the standard
 * wants. @throws RangeError when a line or an event passes 1 Mi characters.
 */
export async function* parseSse(body: AsyncIterable<Uint8Array>): AsyncGenerator<SseMessage> {
  const arrived: SseMessage[] = []
  let id = ''
  const parser = createParser({
    maxBufferSize: maxChars,
    onId: (named) => (id = named),
    onEvent: ({ event = '', data }) => arrived.push({ event: event === '' ? 'message' : event, data, id }),
    onError: (error) => {
      if (error.type === 'max-buffer-size-exceeded')
        throw new RangeError('An event of this stream is too long.')
    },
  })
  const decoder = new TextDecoder()
  for await (const chunk of body) {
    parser.feed(decoder.decode(chunk, { stream: true }))
    yield* arrived.splice(0)
  }
}
