import { expect, test } from 'bun:test'
import { hugeHeaders } from '@pixelflow/testkit/hostile/headers'
import { sampleImage } from '@pixelflow/testkit/images'
import { stays, waitFor } from '@pixelflow/testkit/wait-for'
import { useFixture } from '@pixelflow/testkit/use-fixture'
import { openTestGateway, type TestGateway } from '../../testing/test-gateway.ts'
import { connectRawClient } from '../../testing/raw-client.ts'

const MiB = 2 ** 20

let gateway: TestGateway
useFixture(
  () => openTestGateway({ env: { PIXELFLOW_DRAIN_TIMEOUT: '20s' } }),
  (opened) => (gateway = opened),
)

const isLate = () => gateway.logs.some(({ msg }) => msg === 'drain timed out; closing HTTP connections')

test('draining does not wait for the rest of refused uploads', async () => {
  const tooManyPixels = Buffer.concat([hugeHeaders['png'] ?? new Uint8Array(), new Uint8Array(MiB)])
  const senders = []
  for (const path of ['/api/v1/images', '/api/v1/process?recipe=flip']) {
    const sender = await connectRawClient(gateway.url)
    await sender.sendHead('POST', path, { 'Content-Type': 'image/png', 'Content-Length': 8 * MiB })
    await sender.send(tooManyPixels)
    expect((await sender.response()).status).toBe(422)
    senders.push(sender)
  }
  await gateway.restart()
  expect(isLate()).toBe(false)
  for (const sender of senders) sender.socket.destroy()
}, 60_000)

test('draining waits for a slow reader', async () => {
  const bytes = new Uint8Array(30 * MiB).map((_, at) => (at * 31 + (at >> 11)) & 255)
  // The header of a TIFF, and enough bytes to exceed the socket buffers.
  bytes.set([0x49, 0x49, 0x2a, 0, 0xf0, 0xff, 0xff, 0xff])
  const { id } = await gateway.image(bytes)
  const small = await gateway.image(await sampleImage({ width: 300, height: 200 }))
  const readers = await Promise.all(
    [id, small.id].map(async (image) => {
      const reader = await connectRawClient(gateway.url)
      reader.socket.pause()
      await reader.sendHead('GET', `/api/v1/images/${image}/content`)
      return reader
    }),
  )
  const isAnswered = (image: string) =>
    gateway.logs.some(({ path, status }) => path === `/api/v1/images/${image}/content` && status === 200)
  await waitFor('both downloads started', () => isAnswered(id) && isAnswered(small.id))
  let isRestarted = false
  const restarted = gateway.restart().then(() => (isRestarted = true))
  await stays('the gateway drains', () => !isRestarted, 500)
  for (const { socket } of readers) socket.resume()
  const [large, other] = await Promise.all(readers.map((reader) => reader.response(30_000)))
  await restarted
  expect(large?.body.length).toBe(bytes.length)
  expect(Buffer.compare(large?.body ?? Buffer.alloc(0), bytes)).toBe(0)
  expect(other?.body.length).toBe(small.bytes)
  expect(isLate()).toBe(false)
}, 60_000)
