import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import type { TaskEvent } from './client.ts'
import { readBytes, sha256Of, openClientPair, rejection, type ClientPair } from './testing/client-pair.ts'

/** Tests the client interface over both protocols against the shipped processes. */

let both: ClientPair
beforeAll(async () => {
  both = await openClientPair()
}, 60_000)
afterAll(() => both?.[Symbol.asyncDispose](), 30_000)

const clients = [
  ['http', () => both.http],
  ['grpc', () => both.grpc],
] as const

describe.each(clients)('over %s', (_, opened) => {
  test('returns settings and operations', async () => {
    expect(await opened().settings()).toMatchObject({
      auth: 'none',
      formats: expect.arrayContaining(['jpeg']),
    })
    const { operations, recipe } = await opened().operations()
    expect(operations.map((one) => one.name)).toContain('resize')
    expect(recipe).toMatchObject({ type: 'object' })
  })

  test('uploads from every kind of source and reports progress', async () => {
    const half = both.photo.length >> 1
    const sources = [
      both.photo,
      both.photo.buffer,
      new Blob([both.photo], { type: 'image/jpeg' }),
      new Blob([both.photo]).stream(),
      (async function* () {
        yield both.photo.subarray(0, half)
        yield both.photo.subarray(half)
      })(),
    ]
    for (const source of sources) {
      const sent: [number, number | null][] = []
      const image = await opened().upload(source, { onSent: (...told) => sent.push(told) })
      expect(image).toMatchObject({
        bytes: both.photo.length,
        sha256: sha256Of(both.photo),
        width: 900,
        format: 'jpeg',
      })
      expect(sent.at(-1)?.[0]).toBe(both.photo.length)
      await opened().deleteImage(image.id)
      expect(await rejection(opened().image(image.id))).toMatchObject({
        code: 'image_not_found',
        status: 404,
      })
    }
  })

  test('processes an image, reports every event once, and returns the output', async () => {
    const events: TaskEvent[] = []
    const { task, outputs, image } = await opened().process(both.photo, 'resize:300/format:webp', {
      onEvent: (event) => events.push(event),
    })
    expect(events.map((one) => one.kind)).toEqual([
      'queued',
      'started',
      'fetched',
      'decoded',
      'output',
      'completed',
    ])
    expect(new Set(events.map((one) => one.token)).size).toBe(6)
    expect(task).toMatchObject({ status: 'completed', progress: 100, image: image.id })
    expect(await opened().task(task.id)).toEqual(task)
    const [output] = outputs
    if (!output) throw new Error('no output')
    const whole = await output.download()
    expect(whole).toMatchObject({
      bytes: output.bytes,
      sha256: output.sha256,
      mediaType: 'image/webp',
      offset: 0,
    })
    const bytes = await readBytes(whole)
    expect(sha256Of(bytes)).toBe(output.sha256)
    const part = await output.download({ offset: 100, length: 50 })
    expect(part).toMatchObject({ bytes: output.bytes, offset: 100, length: 50 })
    expect(await readBytes(part)).toEqual(bytes.slice(100, 150))
    expect(sha256Of(await readBytes(await opened().download({ image: image.id })))).toBe(sha256Of(both.photo))

    const again = await Array.fromAsync(opened().watch(task.id, { after: events[2]?.token }))
    expect(again).toEqual(events.slice(3))
    expect(await Array.fromAsync(opened().watch(task.id, { after: events.at(-1)?.token }))).toEqual([])
  }, 30_000)

  test('throws the error of a failed task as the server reports it', async () => {
    const broken = both.photo.slice(0, 700)
    const error = await rejection(opened().process(broken, 'resize:100'))
    expect(error).toMatchObject({ code: 'corrupt_image', task: { status: 'failed' } })
  }, 30_000)

  test('lists tasks page by page, cancels, retries and deletes tasks', async () => {
    const { id: image } = await opened().upload(both.photo)
    const made = new Set<string>()
    for (let i = 0; i < 3; i++) made.add((await opened().createTask(image, { steps: [] })).id)
    const seen: string[] = []
    for await (const { id } of opened().tasks({ limit: 2 })) seen.push(id)
    expect(new Set(seen).intersection(made)).toEqual(made)
    expect(new Set(seen).size).toBe(seen.length)

    const [id = ''] = made
    for await (const _ of opened().watch(id));
    expect(await rejection(opened().cancel(id))).toMatchObject({ code: 'task_ended', status: 409 })
    const again = await opened().retryTask(id)
    expect(again).toMatchObject({ image, retryOf: id })
    expect((await opened().follow(again.id)).task).toMatchObject({ status: 'completed', retryOf: id })
    await opened().deleteTask(id)
    expect(await rejection(opened().retryTask(id))).toMatchObject({ code: 'task_not_found' })
    expect(await rejection(opened().task(id))).toMatchObject({ code: 'task_not_found', status: 404 })
  }, 30_000)

  test('creates a task in the requested lane', async () => {
    const { id: image } = await opened().upload(both.photo)
    const bulk = await opened().createTask(image, 'resize:20', { lane: 'bulk' })
    const { id, lane } = await opened().createTask(image, 'resize:20')
    expect([bulk.lane, lane]).toEqual(['bulk', 'interactive'])
    for (const one of [bulk.id, id]) {
      expect((await opened().follow(one)).task).toMatchObject({ status: 'completed' })
    }
    const { task } = await opened().process(both.photo, 'resize:20', { lane: 'bulk' })
    expect(task).toMatchObject({ status: 'completed', lane: 'bulk' })
  }, 30_000)

  test('runs calls with the same idempotency key once, and rejects a different call with that key', async () => {
    const key = crypto.randomUUID()
    const keyed = { idempotencyKey: `${key}.image` }
    const image = await opened().upload(both.photo, keyed)
    expect(await opened().upload(both.photo, keyed)).toEqual(image)
    const made = { idempotencyKey: `${key}.task` }
    const { id } = await opened().createTask(image.id, 'resize:20', made)
    expect((await opened().createTask(image.id, 'resize:20', made)).id).toBe(id)
    expect(await rejection(opened().createTask(image.id, 'resize:21', made))).toMatchObject({
      code: 'idempotency_key_reused',
    })
    const process = { idempotencyKey: key }
    expect((await opened().process(both.photo, 'resize:20', process)).task.id).toBe(id)
  }, 30_000)

  test('reports the field and the request id of a rejected call', async () => {
    const { id } = await opened().upload(both.photo)
    const error = await rejection(opened().createTask(id, 'resize:100/blurr:2'))
    expect(error).toMatchObject({
      code: 'invalid_recipe',
      status: 400,
      title: 'Invalid recipe',
      field: expect.stringContaining('steps[1]'),
      requestId: expect.any(String),
    })
    expect(error.isTemporary).toBe(false)
    const strange = await rejection(opened().upload(new TextEncoder().encode('not a picture at all')))
    expect(strange).toMatchObject({ code: 'unsupported_format', status: 415 })
  })

  test('ends a call, an upload and an event stream when the signal aborts', async () => {
    const reason = new Error('enough')
    expect(opened().settings({ signal: AbortSignal.abort(reason) })).rejects.toBe(reason)

    const stop = new AbortController()
    const endless = (async function* () {
      yield both.photo.subarray(0, 20_000)
      setTimeout(() => stop.abort(reason), 50)
      await new Promise(() => {})
    })()
    expect(opened().upload(endless, { signal: stop.signal })).rejects.toBe(reason)

    const { id: image } = await opened().upload(both.photo)
    const { id } = await opened().createTask(image, 'blur:2/format:png')
    const leave = new AbortController()
    const kinds: string[] = []
    for await (const { kind } of opened().watch(id, { signal: leave.signal })) {
      kinds.push(kind)
      leave.abort()
    }
    expect(kinds).toEqual(['queued'])
  }, 30_000)

  test('ends a call after its timeout', async () => {
    const never = (async function* () {
      yield both.photo.subarray(0, 20_000)
      await new Promise(() => {})
    })()
    expect(await rejection(opened().upload(never, { timeoutMs: 100 }))).toMatchObject({
      code: 'deadline_exceeded',
      status: 504,
    })
  })
})

test('both protocols return the same values and accept the same event tokens', async () => {
  expect(await both.grpc.settings()).toEqual(await both.http.settings())
  expect(await both.grpc.operations()).toEqual(await both.http.operations())
  const [actor] = await both.http.actors()
  expect(actor).toMatchObject({ state: 'ready', kinds: ['transform'] })
  // Tasks of previous tests may still be in progress, so the counts vary.
  const count = expect.any(Number)
  const counts = { residentBytes: count, children: count, held: count, sessions: count }
  const ofNow = { ...counts, seenAt: expect.any(String), tasks: expect.any(Array) }
  expect(await both.grpc.actors()).toEqual([expect.objectContaining({ ...actor, ...ofNow })])
  const image = await both.http.upload(both.photo)
  expect(await both.grpc.image(image.id)).toEqual(image)
  const { id } = await both.grpc.createTask(image.id, 'resize:300/blur:1/format:png')
  const seen: TaskEvent[] = []
  for (const client of [both.http, both.grpc, both.http, both.grpc]) {
    for await (const event of client.watch(id, { after: seen.at(-1)?.token })) {
      seen.push(event)
      if (seen.length % 2 === 0) break
    }
  }
  expect(seen).toEqual(await Array.fromAsync(both.http.watch(id)))
  expect(seen).toEqual(await Array.fromAsync(both.grpc.watch(id)))
  expect(await both.grpc.task(id)).toEqual(await both.http.task(id))
  expect(await both.grpc.taskPage({ limit: 3, status: 'completed' })).toEqual(
    await both.http.taskPage({ limit: 3, status: 'completed' }),
  )
}, 30_000)
