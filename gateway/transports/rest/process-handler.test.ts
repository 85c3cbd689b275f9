import { describe, expect, test } from 'bun:test'
import { Fault } from '@pixelflow/core/fault'
import { sampleImage } from '@pixelflow/testkit/images'
import { useFixture } from '@pixelflow/testkit/use-fixture'
import type { TestGateway } from '../../testing/test-gateway.ts'
import { digestOf } from '../../testing/grpc-client.ts'
import { respondWith, type ReceivedImage } from '../../testing/stub-actor.ts'
import { openProcessFixture, type ProcessFixture } from '../../testing/process-fixture.ts'
import { connectRawClient } from '../../testing/raw-client.ts'

/** `POST /api/v1/process` with images that are not stored, and a stub actor. */

let fixture: ProcessFixture
let gateway: TestGateway
let photo: Uint8Array<ArrayBuffer>
useFixture(openProcessFixture, (opened) => ({ gateway, photo } = fixture = opened))

const result = new TextEncoder().encode('a processed image')

describe('an image', () => {
  test('is returned with all its headers, and nothing is stored', async () => {
    const before = await gateway.messages()
    const seen: ReceivedImage[] = []
    await using _ = fixture.actor(respondWith(result), seen)
    const response = await fixture.post('?recipe=resize:12/format:webp', photo, {
      headers: { 'x-request-id': 'abc' },
    })
    expect(response.status).toBe(200)
    expect(Buffer.from(await response.arrayBuffer()).equals(result)).toBe(true)
    const headers = Object.fromEntries(response.headers)
    expect(headers).toMatchObject({
      'content-type': 'image/webp',
      'content-length': String(result.length),
      'content-disposition': 'inline; filename="image.webp"',
      etag: `"${digestOf(result)}"`,
      'cache-control': 'no-store',
      'x-request-id': 'abc',
      'x-content-type-options': 'nosniff',
    })
    expect(headers['server-timing']).toMatch(/^receive;dur=[\d.]+, process;dur=[\d.]+$/)
    expect(headers).not.toHaveProperty('accept-ranges')
    expect(seen).toMatchObject([{ account: 'local', format: 'jpeg', output: 'default', bytes: photo.length }])
    expect(digestOf(seen[0]?.source ?? result)).toBe(digestOf(photo))
    expect(seen[0]?.recipe.steps.map(({ op }) => op)).toEqual(['resize', 'format'])
    expect(await gateway.messages()).toEqual(before)
  })

  test.each(['before', 'after'] as const)('can come in a form with the recipe %s the file', async (where) => {
    const seen: ReceivedImage[] = []
    await using _ = fixture.actor(respondWith(result), seen)
    const response = await fixture.post('?download=1', fixture.form('{"steps":[{"op":"flip"}]}', where))
    expect(response.status).toBe(200)
    expect(response.headers.get('content-disposition')).toStartWith('attachment')
    expect(seen[0]?.recipe).toEqual({ steps: [{ op: 'flip' }] })
    expect(digestOf(seen[0]?.source ?? result)).toBe(digestOf(photo))
  })

  test('of several frames in both directions is complete', async () => {
    const seen: ReceivedImage[] = []
    const long = crypto.getRandomValues(new Uint8Array(65_536))
    const large = new Uint8Array(6 * 2 ** 20).map((_, i) => long[i & 65_535] ?? 0)
    await using _ = fixture.actor(respondWith(large), seen)
    const source = fixture.padded(2 ** 20)
    const response = await fixture.post('?recipe=flip', source)
    expect(digestOf(new Uint8Array(await response.arrayBuffer()))).toBe(digestOf(large))
    expect(digestOf(seen[0]?.source ?? result)).toBe(digestOf(source))
  })

  test('of a recipe with several outputs needs the parameter output, and no other output is rendered', async () => {
    const seen: ReceivedImage[] = []
    await using _ = fixture.actor(respondWith(result), seen)
    const recipe = JSON.stringify({ steps: [], outputs: { a: { steps: [] }, b: { steps: [] } } })
    const query = `?recipe=${encodeURIComponent(recipe)}`
    expect(await gateway.refusal(fixture.post(query, photo))).toMatchObject({
      status: 400,
      field: 'output',
      remedy: expect.stringContaining('create a task'),
    })
    expect(await gateway.refusal(fixture.post(`${query}&output=c`, photo))).toMatchObject({ field: 'output' })
    expect((await fixture.post(`${query}&output=b`, photo)).status).toBe(200)
    expect(seen.map((one) => [one.output, Object.keys(one.recipe.outputs ?? {})])).toEqual([['b', ['b']]])
  })

  test('is refused with Retry-After when no actor has capacity', async () => {
    const response = await fixture.post('?recipe=flip', photo)
    expect([response.status, response.headers.get('retry-after')]).toEqual([503, '1'])
    expect(await gateway.refusal(response)).toMatchObject({
      code: 'unavailable',
      remedy: expect.stringMatching(/^Create a task instead.*PIXELFLOW_LIVE_CONCURRENCY/),
    })
  }, 15_000)
})

describe('the actor', () => {
  test('reports faults of the image to the caller', async () => {
    await using _ = fixture.actor(async () => {
      throw new Fault('corrupt_image', 'It is damaged.', { remedy: 'Send another.' })
    })
    expect(await gateway.refusal(fixture.post('?recipe=flip', photo))).toMatchObject({
      status: 422,
      code: 'corrupt_image',
      detail: 'It is damaged.',
      remedy: 'Send another.',
    })
  })

  test('is replaced once when it is lost, with the buffered image', async () => {
    let attempts = 0
    await using _ = fixture.actor(async (session, seen) => {
      attempts += 1
      if (attempts === 1) throw new Fault('actor_lost', 'Killed.')
      await respondWith(result)(session, seen)
    })
    const response = await fixture.post('?recipe=flip', photo)
    expect([response.status, attempts]).toEqual([200, 2])
  })

  test('is not replaced twice: the call fails with actor_lost', async () => {
    let attempts = 0
    await using _ = fixture.actor(async () => {
      attempts += 1
      throw new Fault('actor_lost', 'Killed.')
    })
    expect(await gateway.refusal(fixture.post('?recipe=flip', photo))).toMatchObject({
      status: 503,
      code: 'actor_lost',
    })
    expect(attempts).toBe(2)
  })

  test('is cancelled after the timeout', async () => {
    const broken = Promise.withResolvers<unknown>()
    await using _ = fixture.actor(async (session) => {
      session.broken.addEventListener('abort', () => broken.resolve(session.broken.reason))
      await broken.promise
    })
    expect(await gateway.refusal(fixture.post('?recipe=flip', photo))).toMatchObject({
      status: 504,
      code: 'deadline_exceeded',
      remedy: expect.stringContaining('Create a task'),
    })
    expect(await broken.promise).toBeInstanceOf(Fault)
  }, 20_000)
})

test('processing is cancelled when the client disconnects', async () => {
  const begun = Promise.withResolvers<void>()
  const broken = Promise.withResolvers<void>()
  await using _ = fixture.actor(async (session) => {
    session.broken.addEventListener('abort', () => broken.resolve())
    begun.resolve()
    await broken.promise
  })
  using client = await connectRawClient(gateway.url)
  await client.sendHead('POST', '/api/v1/process?recipe=flip', {
    'Content-Type': 'image/jpeg',
    'Content-Length': photo.length,
  })
  await client.send(photo)
  await begun.promise
  const disconnectedAt = performance.now()
  client.socket.destroy()
  await broken.promise
  expect(performance.now() - disconnectedAt).toBeLessThan(1000)
})

describe('invalid input is refused, and nothing stays in the store', () => {
  test.each([
    [
      'an unsupported media type',
      '?recipe=flip',
      () => photo,
      { 'content-type': 'text/plain' },
      415,
      'unsupported_format',
    ],
    [
      'bytes that are not an image',
      '?recipe=flip',
      () => fixture.padded(photo.length).fill(65),
      {},
      415,
      'unsupported_format',
    ],
    ['an empty body', '?recipe=flip', () => new Uint8Array(0), {}, 400, 'invalid_request'],
    [
      'a file that is too large',
      '?recipe=flip',
      () => fixture.padded(9 * 2 ** 20),
      {},
      413,
      'image_too_large',
    ],
    ['a wrong recipe', '?recipe=resize:0', () => photo, {}, 400, 'invalid_recipe'],
    ['no recipe', '', () => photo, {}, 400, 'invalid_request'],
    ['an unknown parameter', '?recipe=flip&size=3', () => photo, {}, 400, 'invalid_request'],
    ['a recipe that is not JSON', '?recipe={', () => photo, {}, 400, 'invalid_recipe'],
  ] as const)('%s', async (_, query, body, headers, status, code) => {
    const before = await gateway.messages()
    expect(await gateway.refusal(fixture.post(query, body(), { headers }))).toMatchObject({ status, code })
    expect(await gateway.messages()).toEqual(before)
  })

  test('too many pixels, and forms with an unknown or missing part', async () => {
    const before = await gateway.messages()
    const large = new Uint8Array(await sampleImage({ width: 1200, height: 900 }))
    expect(await gateway.refusal(fixture.post('?recipe=flip', large))).toMatchObject({
      code: 'too_many_pixels',
    })
    const both = fixture.form('flip', 'before')
    expect(await gateway.refusal(fixture.post('?recipe=flip', both))).toMatchObject({ field: 'recipe' })
    const none = new FormData()
    none.set('recipe', 'flip')
    expect(await gateway.refusal(fixture.post('', none))).toMatchObject({ field: 'file' })
    expect(await gateway.messages()).toEqual(before)
  })
})
