import { expect, test } from 'bun:test'
import { connect } from 'node:net'
import { tunePath, tuneProtocol } from '@pixelflow/core/tune/tune-protocol'
import { sampleImage } from '@pixelflow/testkit/images'
import { residentBytes } from '@pixelflow/testkit/process'
import { startStack } from '@pixelflow/testkit/stack'
import { waitFor } from '@pixelflow/testkit/wait-for'

const MiB = 2 ** 20

test('for a client that does not read, only the newest preview is kept', async () => {
  await using stack = await startStack()
  const [gateway] = await Promise.all([stack.gateway(), stack.actor()])
  const photo = await sampleImage({ width: 2048, height: 2048, noise: 64, quality: 100 })
  const answer = await fetch(`${gateway.url}/api/v1/images`, {
    method: 'POST',
    body: photo as Uint8Array<ArrayBuffer>,
    headers: { 'content-type': 'image/jpeg' },
  })
  const { id: image } = (await answer.json()) as { id: string }

  const { hostname, port } = new URL(gateway.url)
  const socket = connect(Number(port), hostname)
  socket.setNoDelay(true)
  const received: Buffer[] = []
  let bytes = 0
  socket.on('data', (data: Buffer) => {
    received.push(data)
    bytes += data.length
  })
  const key = Buffer.from('sixteen bytes ok').toString('base64')
  socket.write(
    `GET ${tunePath} HTTP/1.1\r\nHost: ${hostname}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n` +
      `Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: ${key}\r\nSec-WebSocket-Protocol: ${tuneProtocol}\r\n\r\n`,
  )
  const send = (message: object) => socket.write(textFrame(JSON.stringify(message)))
  const preview = { maxPixels: 4 * MiB, quality: 100 }
  send({ type: 'open', image, recipe: 'flip', preview })
  const last = 40
  await waitFor(
    'first preview',
    () => bytes,
    (count) => count > 2 * MiB,
    { timeoutMs: 30_000 },
  )
  socket.pause()

  const before = await residentBytes(gateway.pid)
  for (let sequence = 1; sequence <= last; sequence += 1) {
    send({ type: 'change', sequence, recipe: `rotate:${sequence % 2 === 0 ? 180 : 0}` })
    // Each change has time to be rendered.
    await Bun.sleep(100)
  }
  // Each preview has more than 4 MB. Dropped previews are freed by the next garbage collection, waiting ones are not.
  await waitFor(
    'memory of dropped previews freed',
    async () => (await residentBytes(gateway.pid)) - before,
    (grown) => grown < 80 * MiB,
    { timeoutMs: 30_000 },
  )

  socket.resume()
  const previewed = await waitFor(
    'last preview',
    () => sequencesIn(received),
    (sequences) => sequences.includes(last),
    { timeoutMs: 30_000 },
  )
  // Previews that cannot be sent are not rendered.
  expect(previewed.length).toBeLessThan(10)
  socket.destroy()
}, 90_000)

/** A client's text frame with a mask of zeros. */
function textFrame(text: string): Buffer {
  const body = Buffer.from(text)
  const head =
    body.length < 126
      ? Buffer.from([0x81, 0x80 | body.length])
      : Buffer.from([0x81, 0xfe, body.length >> 8, body.length & 0xff])
  return Buffer.concat([head, Buffer.alloc(4), body])
}

/** Sequence numbers of the previews received so far. */
function sequencesIn(received: readonly Buffer[]): number[] {
  const text = Buffer.concat(received).toString('latin1')
  return [...text.matchAll(/\{"type":"preview","sequence":(\d+),/g)].map(([, found]) => Number(found))
}
