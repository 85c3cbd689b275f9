import { expect, test } from 'bun:test'
import { sampleImage } from '@pixelflow/testkit/images'
import { waitFor } from '@pixelflow/testkit/wait-for'
import { openTestGateway } from '../../testing/test-gateway.ts'
import { connectRawClient } from '../../testing/raw-client.ts'

test.concurrent('an upload that pauses for too long is refused, and leaves nothing behind', async () => {
  await using gateway = await openTestGateway({ env: { PIXELFLOW_UPLOAD_IDLE_TIMEOUT: '1s' } })
  const photo = await sampleImage({ width: 1500, height: 1000 })
  const before = await gateway.messages()
  using client = await connectRawClient(gateway.url)
  await client.sendHead('POST', '/api/v1/images', {
    'Content-Type': 'image/jpeg',
    'Content-Length': photo.length + 1,
  })
  await client.send(photo)
  await waitFor('first chunk stored', gateway.messages, ({ chunks }) => chunks > before.chunks)
  const answer = await client.response(15_000)
  expect(answer.status).toBe(400)
  expect(JSON.parse(answer.body.toString())).toMatchObject({
    code: 'truncated_upload',
    remedy: expect.stringContaining('PIXELFLOW_UPLOAD_IDLE_TIMEOUT'),
  })
  await waitFor('stored chunks deleted', gateway.messages, (now) => Bun.deepEquals(now, before))
}, 40_000)

test.concurrent('a slow upload without long pauses arrives', async () => {
  await using gateway = await openTestGateway({ env: { PIXELFLOW_UPLOAD_IDLE_TIMEOUT: '1s' } })
  const photo = await sampleImage({ width: 300, height: 200 })
  using client = await connectRawClient(gateway.url)
  await client.sendHead('POST', '/api/v1/images', {
    'Content-Type': 'image/jpeg',
    'Content-Length': photo.length,
  })
  for (let at = 0; at < photo.length; at += Math.ceil(photo.length / 12)) {
    await client.send(photo.subarray(at, at + Math.ceil(photo.length / 12)))
    // Each pause is shorter than the timeout.
    await Bun.sleep(850)
  }
  expect((await client.response()).status).toBe(201)
}, 40_000)
