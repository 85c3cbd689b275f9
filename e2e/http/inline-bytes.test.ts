import { afterAll, beforeAll, expect, test } from 'bun:test'
import { maxInlineBytes } from '@pixelflow/core/ports/blobs'
import { readStreamTexts } from '@pixelflow/nats/testing/read-stream-texts'
import { sampleImage } from '@pixelflow/testkit/images'
import { startStack, type GatewayProcess, type Stack } from '@pixelflow/testkit/stack'
import { client, followToEnd } from '../client.ts'

/** Short images and results, whose bytes are in their records: who can read them, and when they are gone. */

let stack: Stack
let gateway: GatewayProcess
let ann: ReturnType<typeof client>
let bob: ReturnType<typeof client>

beforeAll(async () => {
  stack = await startStack({ env: { PIXELFLOW_API_TOKENS: 'ann:secret-of-ann,bob:secret-of-bob' } })
  gateway = await stack.gateway()
  await stack.actor()
  ann = client(gateway.url, 'secret-of-ann')
  bob = client(gateway.url, 'secret-of-bob')
}, 60_000)
afterAll(() => stack?.[Symbol.asyncDispose](), 30_000)

// JPEG files begin alike.
const base64Of = (bytes: Uint8Array) => Buffer.from(bytes).toString('base64').slice(-80)

/** The streams that hold these bytes, in base64 or as they are. */
async function findBytes(bytes: Uint8Array): Promise<string[]> {
  const streams = ['KV_images', 'EVENTS', 'JOBS', 'OBJ_sources', 'OBJ_results', 'BACKLOG', 'RETRIES']
  const plain = new TextDecoder().decode(bytes.slice(-80))
  const found = await Promise.all(
    streams.map(async (stream) => {
      const texts = await readStreamTexts(stack.nats, stream)
      return texts.some((text) => text.includes(base64Of(bytes)) || text.includes(plain))
    }),
  )
  return streams.filter((_, i) => found[i])
}

test('are read by their account only, and gone when the image and the task are deleted', async () => {
  const source = await sampleImage({ width: 48, height: 32 })
  expect(source.length).toBeLessThan(maxInlineBytes)
  const image = await ann.upload(source)
  const task = await ann.submit(image.id, 'resize:16')
  await followToEnd(() => ann, task.id)
  const result = await ann.output(task.id)
  const content = await ann.call(`/api/v1/images/${image.id}/content`)
  expect(new Uint8Array(await content.arrayBuffer())).toEqual(new Uint8Array(source))
  expect(await findBytes(source)).toEqual(['KV_images'])
  expect(await findBytes(result)).toEqual(['EVENTS'])

  for (const path of [`/api/v1/images/${image.id}/content`, `/api/v1/tasks/${task.id}/outputs/default`])
    expect((await bob.call(path)).status).toBe(404)

  // No answer shows where bytes are.
  const bodies = await Promise.all(
    [`images/${image.id}`, `tasks/${task.id}`, `tasks/${task.id}/events`, 'tasks'].map(async (path) =>
      (await ann.call(`/api/v1/${path}`)).text(),
    ),
  )
  for (const text of bodies) {
    expect(text).not.toContain(base64Of(source))
    expect(text).not.toContain(base64Of(result))
  }

  expect((await ann.call(`/api/v1/tasks/${task.id}`, { method: 'DELETE' })).status).toBe(204)
  expect((await ann.call(`/api/v1/images/${image.id}`, { method: 'DELETE' })).status).toBe(204)
  expect(await findBytes(result)).toEqual([])
  expect(await findBytes(source)).toEqual([])
  expect((await ann.call(`/api/v1/tasks/${task.id}/outputs/default`)).status).toBe(404)
  expect((await ann.call(`/api/v1/images/${image.id}/content`)).status).toBe(404)
}, 30_000)

test('of several outputs are stored apart, and a range of a short result can be read', async () => {
  const image = await ann.upload(await sampleImage({ width: 40, height: 40 }))
  const recipe = { steps: [], outputs: { a: { steps: [{ op: 'flip' }] }, b: { steps: [{ op: 'flop' }] } } }
  const task = await ann.submit(image.id, recipe)
  await followToEnd(() => ann, task.id)
  const both = await Promise.all([ann.output(task.id, 'a'), ann.output(task.id, 'b')])
  for (const one of both) expect(await findBytes(one)).toEqual(['OBJ_results'])

  const single = await ann.submit(image.id, 'flip')
  await followToEnd(() => ann, single.id)
  const whole = await ann.output(single.id)
  const part = await ann.call(`/api/v1/tasks/${single.id}/outputs/default`, {
    headers: { range: 'bytes=2-9' },
  })
  expect(part.status).toBe(206)
  expect(new Uint8Array(await part.arrayBuffer())).toEqual(whole.slice(2, 10))
}, 30_000)
