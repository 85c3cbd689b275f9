/** One server-sent event, as the standard takes a stream apart. */
export interface ServerSentEvent {
  /** Its name; `message` when it has none. */
  readonly event: string
  readonly data: string
  /** The last id that the stream has named, up to and with this event. */
  readonly id: string | undefined
}

const largestEvent = 8 * 1024 * 1024

/**
 * Takes a byte stream apart into events (https://html.spec.whatwg.org/multipage/server-sent-events.html). An event
 * that the end of the stream cuts short is dropped, as the standard wants it.
 *
 * @throws Error when a single event is larger than 8 MiB.
 */
export async function* parseEvents(stream: AsyncIterable<Uint8Array>): AsyncGenerator<ServerSentEvent> {
  const decoder = new TextDecoder()
  let rest = ''
  let event = ''
  let id: string | undefined
  let data: string[] = []
  for await (const chunk of stream) {
    rest += decoder.decode(chunk, { stream: true })
    if (rest.length > largestEvent) throw new Error('an event of the stream is larger than 8 MiB')
    // A CR at the end may be the first half of a CRLF.
    const whole = rest.endsWith('\r') ? rest.slice(0, -1) : rest
    const lines = whole.split(/\r\n|\n|\r/)
    rest = (lines.pop() ?? '') + rest.slice(whole.length)
    for (const line of lines) {
      if (line === '') {
        if (data.length > 0) yield { event: event || 'message', data: data.join('\n'), id }
        event = ''
        data = []
        continue
      }
      const colon = line.indexOf(':')
      const field = colon === -1 ? line : line.slice(0, colon)
      const value = colon === -1 ? '' : line.slice(colon + 1).replace(/^ /, '')
      if (field === 'event') event = value
      else if (field === 'data') data.push(value)
      else if (field === 'id' && !value.includes('\0')) id = value
    }
  }
}
