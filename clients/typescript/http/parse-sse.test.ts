import { describe, expect, test } from 'bun:test'
import { parseSse, type SseMessage } from './parse-sse.ts'

async function* chunks(...parts: (string | Uint8Array)[]): AsyncGenerator<Uint8Array> {
  const encoder = new TextEncoder()
  for (const part of parts) yield typeof part === 'string' ? encoder.encode(part) : part
}

async function read(...parts: (string | Uint8Array)[]): Promise<SseMessage[]> {
  return Array.fromAsync(parseSse(chunks(...parts)))
}

describe('parseSse', () => {
  test('reads event, id and data', async () => {
    expect(await read('event: queued\nid: a1\ndata: {"x":1}\n\n')).toEqual([
      { event: 'queued', id: 'a1', data: '{"x":1}' },
    ])
  })

  test('gives the same result for every chunk boundary', async () => {
    const stream = 'event: started\r\nid: b2\r\ndata: grün\r\ndata: zwei\r\n\r\nevent: done\rdata: x\r\r'
    const bytes = new TextEncoder().encode(stream)
    const expected = await read(stream)
    expect(expected).toEqual([
      { event: 'started', id: 'b2', data: 'grün\nzwei' },
      { event: 'done', id: 'b2', data: 'x' },
    ])
    for (let cut = 1; cut < bytes.length; cut += 1) {
      expect(await read(bytes.subarray(0, cut), bytes.subarray(cut))).toEqual(expected)
    }
    expect(await read(...Array.from(bytes, (byte) => Uint8Array.of(byte)))).toEqual(expected)
  })

  test('keeps the last id for events without one, and resets it on an empty id', async () => {
    const messages = await read('id: 7\ndata: a\n\nevent: heartbeat\ndata: {}\n\nid\ndata: b\n\n')
    expect(messages.map(({ id }) => id)).toEqual(['7', '7', ''])
  })

  test('ignores comments, unknown fields, retry, ids with NUL and events without data', async () => {
    expect(await read(': hi\nretry: 10\nnonsense: 1\nid: a\0b\nevent: none\n\ndata: last\n\n')).toEqual([
      { event: 'message', id: '', data: 'last' },
    ])
  })

  test('drops one space after the colon, a byte order mark, and an unfinished event', async () => {
    expect(await read('\uFEFFdata:  two\ndata:none\n\ndata: lost')).toEqual([
      { event: 'message', id: '', data: ' two\nnone' },
    ])
  })

  test('rejects a line or an event that is too long', async () => {
    const longText = 'x'.repeat(600_000)
    await expect(read(`data: ${longText}`, longText)).rejects.toThrow('too long')
    await expect(read(`data: ${longText}\ndata: ${longText}\n`)).rejects.toThrow('too long')
  })
})
