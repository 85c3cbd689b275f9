import { describe, expect, test } from 'bun:test'
import { parseEvents, type ServerSentEvent } from './sse.ts'

async function parse(...chunks: (string | Uint8Array)[]): Promise<ServerSentEvent[]> {
  const encoder = new TextEncoder()
  const stream = (async function* () {
    for (const chunk of chunks) yield typeof chunk === 'string' ? encoder.encode(chunk) : chunk
  })()
  return Array.fromAsync(parseEvents(stream))
}

describe('a stream of server-sent events', () => {
  test('is taken apart by name, data and id', async () => {
    expect(await parse('event: started\nid: 2s\ndata: {"a":1}\n\ndata: x\n\n')).toEqual([
      { event: 'started', id: '2s', data: '{"a":1}' },
      { event: 'message', id: '2s', data: 'x' },
    ])
  })

  test('may be cut anywhere, inside a character and a line end too', async () => {
    const bytes = new TextEncoder().encode('event: é\r\ndata: ü\r\n\r\ndata: 2\r\n\r\n')
    const expected = [
      { event: 'é', data: 'ü', id: undefined },
      { event: 'message', data: '2', id: undefined },
    ]
    for (let at = 0; at <= bytes.length; at++) {
      expect(await parse(bytes.slice(0, at), bytes.slice(at))).toEqual(expected)
    }
    expect(await parse(...Array.from(bytes, (byte) => Uint8Array.of(byte)))).toEqual(expected)
  })

  test('ends lines with LF, CRLF or CR; joins data lines; skips comments and unknown fields', async () => {
    expect(await parse(': hello\rdata: 1\rdata: 2\rretry: 5\rnonsense\r\rdata:  3\n\n')).toEqual([
      { event: 'message', data: '1\n2', id: undefined },
      { event: 'message', data: ' 3', id: undefined },
    ])
  })

  test('drops what its end cuts short, and events without data', async () => {
    expect(await parse('event: ping\n\ndata: 1\n\ndata: 2\n')).toEqual([
      { event: 'message', data: '1', id: undefined },
    ])
  })

  test('is given up when one event has no end', async () => {
    const endless = Array.from({ length: 3 }, () => 'x'.repeat(1024 * 1024))
    await expect(parse('data: ', ...endless)).rejects.toThrow('too long')
  })
})
