import { createParser } from 'eventsource-parser'

/** One server-sent event. `id` is the last id received on the stream, as the standard requires. */
export interface SseMessage {
  /** Event type; default `message`. */
  readonly event: string
  readonly data: string
  readonly id: string
}

/** Largest incomplete line or event, in characters. */
const maxChars = 1 << 20

/**
 * Parses `text/event-stream` from a fetch body, because EventSource cannot send an Authorization header. Ignores comments
 * and `retry`: the caller has its own heartbeat and backoff. Drops an incomplete event at the end of the stream, as the
 * standard requires. @throws RangeError if a line or an event exceeds 1 Mi characters.
 */
export async function* parseSse(body: AsyncIterable<Uint8Array>): AsyncGenerator<SseMessage> {
  const messages: SseMessage[] = []
  let id = ''
  const parser = createParser({
    maxBufferSize: maxChars,
    onId: (newId) => (id = newId),
    onEvent: ({ event = '', data }) => messages.push({ event: event === '' ? 'message' : event, data, id }),
    onError: (error) => {
      if (error.type === 'max-buffer-size-exceeded')
        throw new RangeError(
          `A line or event of the stream is too long (more than ${maxChars} characters). Check that the server is PixelFlow.`,
        )
    },
  })
  const decoder = new TextDecoder()
  for await (const chunk of body) {
    parser.feed(decoder.decode(chunk, { stream: true }))
    yield* messages.splice(0)
  }
}
