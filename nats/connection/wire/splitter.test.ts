import { expect, test } from 'bun:test'
import { freeBytes } from '@pixelflow/core/free-bytes'
import type { RawMessage } from './raw-message.ts'
import { createSplitter } from './splitter.ts'

const headers = 'NATS/1.0\r\nNats-Sequence: 7\r\n\r\n'
/** Bytes of a server: three messages for subscription 9, one of them with headers, among other commands. */
const received = Buffer.concat(
  [
    'INFO {"server_name":"MSG x 9 5"}\r\n',
    '+OK\r\n',
    'MSG a.b 9 11\r\nhello\r\nMSG \r\n',
    'PING\r\n',
    'MSG other 10 reply.to 4\r\nHMSG\r\n',
    `HMSG c.d 9 reply.to ${headers.length} ${headers.length + 6}\r\n${headers}\0\xff\r\n\r\n\r\n`,
    `HMSG other 11 ${headers.length} ${headers.length}\r\n${headers}\r\n`,
    'MSG empty 9 0\r\n\r\n',
    "-ERR 'Slow Consumer'\r\n",
    'PONG\r\n',
  ].map((chunk) => Buffer.from(chunk, 'latin1')),
)
const otherBytes = [
  'INFO {"server_name":"MSG x 9 5"}\r\n+OK\r\nPING\r\nMSG other 10 reply.to 4\r\nHMSG\r\n',
  `HMSG other 11 ${headers.length} ${headers.length}\r\n${headers}\r\n-ERR 'Slow Consumer'\r\nPONG\r\n`,
].join('')

function split(frames: readonly Uint8Array[]) {
  const intercepted: { subject: string; reply: string; headers: string; content: string }[] = []
  const onMessage = ({ subject, reply, headerBlock, chunks }: RawMessage) => {
    intercepted.push({
      subject,
      reply,
      headers: headerBlock.toString(),
      content: Buffer.concat(chunks).toString('latin1'),
    })
  }
  const splitter = createSplitter(new Map([[9, onMessage]]))
  const forwarded = frames.flatMap((frame) => splitter.push(frame))
  return { intercepted, forwarded: Buffer.concat(forwarded).toString('latin1') }
}

const expected = {
  intercepted: [
    { subject: 'a.b', reply: '', headers: '', content: 'hello\r\nMSG ' },
    { subject: 'c.d', reply: 'reply.to', headers, content: '\0\xff\r\n\r\n' },
    { subject: 'empty', reply: '', headers: '', content: '' },
  ],
  forwarded: otherBytes,
}

test('messages of a subscription are intercepted, all other bytes are forwarded unchanged', () => {
  expect(split([received])).toEqual(expected)
})

test('splitting does not depend on how the stream is cut into frames', () => {
  for (let at = 0; at <= received.length; at += 1) {
    expect(split([received.subarray(0, at), received.subarray(at)])).toEqual(expected)
  }
  for (const size of [1, 2, 3, 7, 16]) {
    const frames = Array.from({ length: Math.ceil(received.length / size) }, (_, i) =>
      received.subarray(i * size, (i + 1) * size),
    )
    expect(split(frames)).toEqual(expected)
  }
})

test('intercepted and forwarded bytes are not copied', () => {
  const chunks: Uint8Array[] = []
  const onMessage = (message: RawMessage) => void chunks.push(...message.chunks)
  const splitter = createSplitter(new Map([[9, onMessage]]))
  const plain = Buffer.from('PING\r\n')
  expect(splitter.push(plain)[0]).toBe(plain)
  const message = Buffer.from('MSG a 9 5\r\nhello\r\n')
  expect(splitter.push(message)).toEqual([])
  expect(chunks[0]?.buffer).toBe(message.buffer)
})

test('the memory of a large frame is freed with its payloads, unless other bytes of it are forwarded', () => {
  const payload = Buffer.alloc(100_000, 'x')
  const large = ['MSG a 9 100000\r\n', payload, '\r\n']
  const small = `HMSG b 9 ${headers.length} ${headers.length + 2}\r\n${headers}ok\r\n`
  const frameOf = (parts: readonly (string | Buffer)[]) =>
    Buffer.from(new Uint8Array(Buffer.concat(parts.map((part) => Buffer.from(part)))).buffer)
  const messages: RawMessage[] = []
  const splitter = createSplitter(new Map([[9, (message) => void messages.push(message)]]))

  const freed = frameOf([...large, small, ...large])
  const kept = frameOf([...large, 'PING\r\n'])
  splitter.push(freed)
  splitter.push(kept)
  for (const { chunks } of messages) for (const chunk of chunks) freeBytes(chunk)
  expect(freed.buffer.detached).toBe(true)
  expect(kept.buffer.detached).toBe(false)
  expect(messages[1]?.headerBlock.toString()).toBe(headers)
  expect(messages[1]?.string()).toBe('ok')
})

test('a line without an end is forwarded when it gets too long', () => {
  const splitter = createSplitter(new Map())
  const endless = Buffer.alloc(100_000, 'M')
  expect(Buffer.concat(splitter.push(endless))).toEqual(endless)
  expect(Buffer.concat(splitter.push(Buffer.from('x\r\nPING\r\n'))).toString()).toBe('x\r\nPING\r\n')
})
