import { expect, test } from 'bun:test'
import { connect, createServer, type AddressInfo } from 'node:net'
import { ImageService } from '@pixelflow/proto/pixelflow/v1/image_pb'
import { sampleImage } from '@pixelflow/testkit/images'
import { waitFor } from '@pixelflow/testkit/wait-for'
import { grpcClient, uploadWhole } from '../../../testing/grpc-client.ts'
import { startLoadedGateway } from '../../../testing/loaded-gateway.ts'
import { findOrphanedChunks } from '../../../testing/orphaned-chunks.ts'
import { seeded } from '../../../testing/stress.ts'

const calls = ImageService.method
const connections = 1500
const atOnce = 50

test('damaged, truncated or random bytes end at most their own connection', async () => {
  await using gateway = await startLoadedGateway()
  const [host = '', port = ''] = gateway.grpcAddress.split(':')
  const recorded = await recordClient(host, Number(port))
  expect(recorded.length).toBeGreaterThan(60_000)
  const random = seeded(17)
  for (let count = 0; count < connections; count += atOnce) {
    await Promise.all(
      Array.from({ length: atOnce }, () => sendBytes(host, Number(port), damage(recorded, random))),
    )
  }
  await gateway.idle()
  await waitFor(
    'no orphaned chunks',
    () => findOrphanedChunks(gateway.stack.nats),
    (chunks) => chunks.length === 0,
  )
  using client = grpcClient(gateway.grpcAddress)
  expect(await client.unary(calls.getVersion, {}, { deadlineMs: 10_000 })).toMatchObject({ version: '0.1.0' })
}, 120_000)

/** Records the bytes that a client sends for some calls. */
async function recordClient(host: string, port: number): Promise<Buffer> {
  const sent: Buffer[] = []
  const server = createServer((near) => {
    const far = connect(port, host)
    for (const socket of [near, far]) socket.on('error', () => {})
    near.on('data', (data) => {
      sent.push(Buffer.from(data))
      far.write(data)
    })
    far.pipe(near)
    near.on('close', () => far.destroy())
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', () => resolve()))
  {
    using client = grpcClient(`127.0.0.1:${(server.address() as AddressInfo).port}`)
    const file = new Uint8Array(64 * 1024)
    file.set(await sampleImage({ width: 60, height: 40 }))
    const image = await uploadWhole(client, file, 20_000)
    await client.unary(calls.getImage, { id: image?.id ?? '' })
    for await (const _ of client.serverStream(calls.download, {
      source: { case: 'image', value: image?.id ?? '' },
    }));
    await client.unary(calls.listOperations, {})
  }
  server.close()
  return Buffer.concat(sent)
}

/** Changes, removes, inserts or truncates bytes of the recording. */
function damage(recorded: Buffer, random: () => number): Buffer {
  const bytes = Buffer.from(recorded)
  const at = (within: number) => Math.floor(random() * within)
  // Mostly near the beginning, where the control frames and headers are.
  const place = () => 24 + at(random() < 0.7 ? 400 : bytes.length - 24)
  for (let changes = at(6); changes > 0; changes--) bytes[place()] = at(256)
  const kind = random()
  if (kind < 0.25) return bytes.subarray(0, place())
  if (kind < 0.5) {
    const cut = place()
    return Buffer.concat([bytes.subarray(0, cut), bytes.subarray(cut + at(40))])
  }
  if (kind < 0.75) {
    const cut = place()
    const inserted = Buffer.from(Array.from({ length: at(300) }, () => at(256)))
    return Buffer.concat([bytes.subarray(0, cut), inserted, bytes.subarray(cut)])
  }
  return bytes
}

/** Sends the bytes and closes the connection in one of several ways. */
async function sendBytes(host: string, port: number, bytes: Buffer): Promise<void> {
  const socket = connect(port, host)
  const closed = new Promise<void>((resolve) => socket.once('close', () => resolve()))
  socket.on('error', () => {})
  socket.resume()
  socket.write(bytes)
  if (bytes.length % 3 === 0) socket.end()
  const timer = setTimeout(() => (bytes.length % 2 === 0 ? socket.resetAndDestroy() : socket.destroy()), 200)
  await closed
  clearTimeout(timer)
}
