/** One server-sent event. `id` is the last id the stream has named so far, as the standard has it. */
export interface SseMessage {
  readonly event: string
  readonly data: string
  readonly id: string
}

/** Longest line or event that is kept, in characters; a stream that sends more is broken and is given up. */
const maxChars = 1 << 20

/**
 * Reads `text/event-stream` (WHATWG HTML §9.2.6). EventSource cannot send an Authorization header, hence by hand.
 * Comments and `retry` are ignored: the caller has its own heartbeat and backoff.
 * @throws RangeError when one line or event passes 1 Mi characters.
 */
export async function* parseSse(body: AsyncIterable<Uint8Array>): AsyncGenerator<SseMessage> {
  let id = ''
  let event = ''
  let data: string[] = []
  let size = 0

  for await (const line of lines(body)) {
    if (line === '') {
      if (data.length > 0) yield { event: event === '' ? 'message' : event, data: data.join('\n'), id }
      event = ''
      data = []
      size = 0
      continue
    }
    const colon = line.indexOf(':')
    const field = colon === -1 ? line : line.slice(0, colon)
    const value = colon === -1 ? '' : line.slice(line[colon + 1] === ' ' ? colon + 2 : colon + 1)
    if (field === 'event') event = value
    else if (field === 'id' && !value.includes('\0')) id = value
    else if (field === 'data') {
      size += value.length
      if (size > maxChars) throw new RangeError('An event of this stream is too long.')
      data.push(value)
    }
  }
}

/** Lines ended by LF, CR LF or CR, wherever the chunks break. What follows the last line end is dropped. */
async function* lines(body: AsyncIterable<Uint8Array>): AsyncGenerator<string> {
  const decoder = new TextDecoder()
  let rest = ''
  let afterCr = false
  for await (const chunk of body) {
    rest += decoder.decode(chunk, { stream: true })
    if (afterCr && rest !== '') {
      if (rest.startsWith('\n')) rest = rest.slice(1)
      afterCr = false
    }
    let start = 0
    for (let at = 0; at < rest.length; at += 1) {
      const char = rest[at]
      if (char !== '\n' && char !== '\r') continue
      yield rest.slice(start, at)
      // A CR at the very end may be half of a CR LF; the line has ended either way.
      if (char === '\r' && at + 1 === rest.length) afterCr = true
      else if (char === '\r' && rest[at + 1] === '\n') at += 1
      start = at + 1
    }
    rest = rest.slice(start)
    if (rest.length > maxChars) throw new RangeError('A line of this stream is too long.')
  }
}
