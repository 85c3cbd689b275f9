import { expect, test } from 'bun:test'
import { createServer, type Socket } from 'node:net'
import { once } from 'node:events'
import { freePort } from '@pixelflow/testkit/port'
import { waitFor } from '@pixelflow/testkit/wait-for'
import { PlainSocket } from './plain-socket.ts'

/** A connection between a `PlainSocket` and a server's socket. */
async function openPair() {
  const server = createServer()
  const port = await freePort()
  server.listen(port, '127.0.0.1')
  await once(server, 'listening')
  const accepted = once(server, 'connection') as Promise<[Socket]>
  const socket = await PlainSocket.connect('127.0.0.1', port)
  const [peer] = await accepted
  return {
    socket,
    peer,
    [Symbol.dispose]() {
      socket.destroy()
      peer.destroy()
      server.close()
    },
  }
}

test('everything arrives in order at a reader that is slower than the writer', async () => {
  using pair = await openPair()
  const { socket, peer } = pair
  peer.pause()
  const parts = Array.from({ length: 200 }, (_, i) => Buffer.alloc(i % 3 === 0 ? 300_000 : 10, i))
  for (const part of parts) socket.write(part)
  const sent = Buffer.concat(parts)
  const received: Buffer[] = []
  let bytes = 0
  peer.on('data', (frame: Buffer) => {
    received.push(frame)
    bytes += frame.length
  })
  peer.resume()
  await waitFor(
    'all bytes',
    () => bytes,
    (count) => count === sent.length,
  )
  expect(Buffer.concat(received).equals(sent)).toBe(true)
  expect(socket.bytesWritten).toBe(sent.length)
})

test('received bytes and the end of the connection reach the listeners', async () => {
  using pair = await openPair()
  const { socket, peer } = pair
  let text = ''
  let closes = 0
  socket.on('data', (frame) => (text += frame.toString()))
  socket.on('close', () => (closes += 1))
  peer.write('PING\r\n')
  await waitFor(
    'bytes',
    () => text,
    (seen) => seen === 'PING\r\n',
  )
  peer.end()
  await waitFor(
    'end',
    () => closes,
    (count) => count === 1,
  )
  expect(socket.destroyed).toBe(true)
  socket.destroy()
  socket.write(Buffer.from('late'))
  expect(closes).toBe(1)
})

test('a refused connection has the code of the operating system', async () => {
  const thrown: unknown = await PlainSocket.connect('127.0.0.1', await freePort()).catch(
    (error: unknown) => error,
  )
  expect((thrown as NodeJS.ErrnoException).code).toBe('ECONNREFUSED')
})
